"""What players ask for, carried out on the engine that they share."""

import asyncio
import struct
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from playworld.play.images import to_png
from playworld.play.messages import Close, Closing
from playworld.play.metrics import Counts
from playworld.play.requests import Advance, Begin, Request, Trial, Visit
from playworld.play.sessions import Session
from playworld.play.timeline import Node, Timeline
from playworld.world import Engine, Moved, WorldState

HEADER = struct.Struct("<BxxxIII")
"""What stands before the PNG in a binary message: its kind, the request's id, the number of the
node, and of its frame since the start."""
PICTURE, SHEET = 0, 1
"""Kinds of binary messages."""
TRIED_AT_ONCE = 4
"""Buttons that are tried together."""

Answer = bytes | dict[str, Any]
"""A binary message, or a JSON one."""


@dataclass(frozen=True)
class Moves:
    """Turns requests into answers; what a game has become is noted in its session."""

    engine: Engine
    num_actions: int
    """Buttons, A."""
    max_nodes: int
    """Frames that one game may hold, its branches included."""
    counts: Counts

    async def answer(self, session: Session, request: Request) -> Answer | None:
        """Do what was asked for; None where the player wanted to be elsewhere before it was done.

        Raises:
            Closing: with BAD_MESSAGE where there is no such frame.
        """
        if isinstance(request, Begin):
            return await self._begin(session, request)
        timeline = session.timeline
        assert timeline is not None, "a press without a start reached the model"
        match request:
            case Visit(id, node):
                if not 0 <= node < len(timeline.nodes):
                    raise Closing(Close.BAD_MESSAGE)
                timeline.at = node
                return picture(timeline, id)
            case Advance(id) if len(timeline.nodes) >= self.max_nodes:
                self.counts.full += 1
                return {"type": "full", "id": id}
            case Advance():
                return await self._advance(session, timeline, request)
            case Trial():
                return await self._try(session, timeline, request)

    async def catch_up(self, session: Session) -> WorldState | None:
        """The state of the frame where the player is; None where they left before it was ready.

        A state that was not kept is computed again from the nearest one before it, one frame at a
        time, so that the other players wait for no more than that.
        """
        timeline = session.timeline
        if timeline is None:
            return None
        last, state, missing = timeline.nearest()
        for number in missing:
            if session.wishes.elsewhere:
                return None
            node = timeline.nodes[number]
            assert node.button is not None, "the start's state is always kept"
            tokens = node.tokens.to(state.tokens)
            replay = self.engine.replay(state, tokens, node.button, session.id)
            moved = await asyncio.wrap_future(replay)
            self.counts.replayed += 1
            state = moved.state
            timeline.keep(number, state, last)
            last = number
        return state

    async def _begin(self, session: Session, request: Begin) -> Answer:
        start = self.engine.start(request.pictures, request.seed, session.id)
        moved = await asyncio.wrap_future(start)
        png = await asyncio.to_thread(to_png, moved.frame)
        session.timeline = Timeline(request.names, request.seed, moved.state, png)
        session.shown = request
        return picture(session.timeline, request.id)

    async def _advance(self, session: Session, timeline: Timeline, press: Advance) -> Answer | None:
        state = await self.catch_up(session)
        if state is None:
            return None
        step = self.engine.step(state, press.button, press.sampler, session.id)
        moved = await self._counted(step)
        png = await asyncio.to_thread(to_png, moved.frame)
        timeline.grow(press.button, press.sampler, moved.state, png)
        return picture(timeline, press.id)

    async def _try(self, session: Session, timeline: Timeline, trial: Trial) -> Answer | None:
        state = await self.catch_up(session)
        if state is None:
            return None
        rows: list[UInt8[Tensor, "H width 3"]] = []
        buttons = range(self.num_actions)
        for first in buttons[::TRIED_AT_ONCE]:
            if session.wishes.elsewhere:
                return None
            some = buttons[first : first + TRIED_AT_ONCE]
            rows += await asyncio.gather(
                *(self._row(session, state, button, trial) for button in some)
            )
        sheet = await asyncio.to_thread(to_png, torch.cat(rows))
        return _message(SHEET, trial.id, timeline.at, timeline.here) + sheet

    async def _row(
        self, session: Session, state: WorldState, button: int, trial: Trial
    ) -> UInt8[Tensor, "H width 3"]:
        frames = []
        for _ in range(trial.presses):
            step = self.engine.step(state, button, trial.sampler, session.id, long=True)
            moved = await self._counted(step)
            state = moved.state
            frames.append(moved.frame)
        return torch.cat(frames, dim=1)

    async def _counted(self, step: "Future[Moved]") -> Moved:
        moved = await asyncio.wrap_future(step)
        self.counts.frames += 1
        return moved


def picture(timeline: Timeline, id: int) -> bytes:
    """The frame where the player is, as a binary message that answers request `id`."""
    return _message(PICTURE, id, timeline.at, timeline.here) + timeline.here.png


def _message(kind: int, id: int, number: int, node: Node) -> bytes:
    return HEADER.pack(kind, id, number, node.frame)

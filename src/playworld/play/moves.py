"""What players ask for, carried out on the engine that they share."""

import asyncio
import time
from concurrent.futures import Future
from dataclasses import dataclass

import torch
from jaxtyping import UInt8
from torch import Tensor

from playworld.images import QUICK, to_png
from playworld.play.messages import (
    Answer,
    Close,
    ConnectionClosed,
    full,
    picture,
    released,
    sheet,
)
from playworld.play.metrics import Counts
from playworld.play.requests import (
    GoRequest,
    PressRequest,
    ReleaseRequest,
    Request,
    StartRequest,
    TryRequest,
)
from playworld.play.sessions import Session
from playworld.play.store.packing import unpack_world_state
from playworld.play.timeline import Timeline
from playworld.world import Engine, StepResult, WorldState

FEW_FRAMES = 32
"""Frames that are computed again with the priority of a press: more would hold up others, and fewer
are less work than a player who holds a button."""
TRIED_AT_ONCE = 4
"""Buttons that are tried together."""


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
            ConnectionClosed: with BAD_MESSAGE where there is no such frame.
        """
        if isinstance(request, StartRequest):
            return await self._start(session, request)
        timeline = session.timeline
        assert timeline is not None, "a press without a start reached the model"
        match request:
            case GoRequest(id, node):
                if not 0 <= node < len(timeline.nodes):
                    raise ConnectionClosed(Close.BAD_MESSAGE)
                timeline.at = node
                return here(timeline, id)
            case PressRequest(id) if len(timeline.nodes) >= self.max_nodes:
                self.counts.full += 1
                session.requests.let_go()
                return full(id)
            case PressRequest():
                return await self._press(session, timeline, request)
            case TryRequest():
                return await self._try(session, timeline, request)
            case ReleaseRequest(id, held):
                timeline.drop(held.beyond)
                return released(id, held.made - held.beyond)

    async def catch_up(self, session: Session) -> WorldState | None:
        """The state of the frame where the player is; None where they left before it was ready.

        A state that was not kept is computed again from the nearest one before it, one frame at a
        time, so that the other players wait for no more than that.
        """
        timeline = session.timeline
        if timeline is None:
            return None
        if not timeline.has_start:  # a game that another process had
            assert session.shown is not None
            start = (await self._begin(session, session.shown)).state
            timeline.keep(0, start, 0)
            if session.snapshot is not None:
                number, packed = session.snapshot
                known = unpack_world_state(packed, start)
                if known is not None:
                    timeline.keep(number, known, 0)
                session.snapshot = None
        last, state, missing = timeline.nearest()
        for number in missing:
            if session.requests.elsewhere:
                return None
            node = timeline.nodes[number]
            assert node.button is not None, "the start's state is always kept"
            tokens = node.tokens.to(state.tokens)
            is_long = len(missing) > FEW_FRAMES
            replay = self.engine.replay(state, tokens, node.button, session.id, is_long)
            result = await asyncio.wrap_future(replay)
            self.counts.replayed += 1
            state = result.state
            timeline.keep(number, state, last)
            last = number
        return state

    async def _start(self, session: Session, request: StartRequest) -> Answer:
        result = await self._begin(session, request)
        png = await asyncio.to_thread(to_png, result.frame, QUICK)
        session.timeline = Timeline.begun(request.names, request.seed, result.state, png)
        session.shown = request
        return here(session.timeline, request.id)

    async def _begin(self, session: Session, start: StartRequest) -> StepResult:
        return await asyncio.wrap_future(self.engine.start(start.pictures, start.seed, session.id))

    async def _press(
        self, session: Session, timeline: Timeline, request: PressRequest
    ) -> Answer | None:
        state = await self.catch_up(session)
        if state is None:
            return None
        step = self.engine.step(state, request.button, request.sampler, session.id)
        result = await self._counted(step)
        png = await asyncio.to_thread(to_png, result.frame, QUICK)
        timeline.grow(request.button, request.sampler, result.state, png)
        request.held.add()
        return here(timeline, request.id)

    async def _try(
        self, session: Session, timeline: Timeline, request: TryRequest
    ) -> Answer | None:
        state = await self.catch_up(session)
        if state is None:
            return None
        rows: list[UInt8[Tensor, "H width 3"]] = []
        buttons = range(self.num_actions)
        for first in buttons[::TRIED_AT_ONCE]:
            if session.requests.elsewhere:
                return None
            some = buttons[first : first + TRIED_AT_ONCE]
            rows += await asyncio.gather(
                *(self._row(session, state, button, request) for button in some)
            )
        png = await asyncio.to_thread(to_png, torch.cat(rows), QUICK)
        return sheet(request.id, timeline.at, timeline.here.frame, png)

    async def _row(
        self, session: Session, state: WorldState, button: int, request: TryRequest
    ) -> UInt8[Tensor, "H width 3"]:
        frames = []
        for _ in range(request.presses):
            step = self.engine.step(state, button, request.sampler, session.id, long=True)
            result = await self._counted(step)
            state = result.state
            frames.append(result.frame)
        return torch.cat(frames, dim=1)

    async def _counted(self, step: "Future[StepResult]") -> StepResult:
        began = time.monotonic()
        result = await asyncio.wrap_future(step)
        self.counts.steps.observe(time.monotonic() - began)
        self.counts.frames += 1
        return result


def here(timeline: Timeline, id: int) -> Answer:
    """The frame where the player is, as an answer to request `id`."""
    return picture(id, timeline.at, timeline.here.frame, timeline.here.png)

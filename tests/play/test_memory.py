import asyncio
import re
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch

from playworld.play.metrics import Counts
from playworld.play.moves import Moves
from playworld.play.requests import GoRequest, PressRequest, StartRequest
from playworld.play.sessions import Session
from playworld.world import Engine, World
from tests.processes import CONTEXT, start


def resident() -> float:
    """Megabytes of memory that this process holds."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


async def play(moves: Moves, session: Session, frames: int) -> None:
    for k in range(frames):
        await moves.answer(session, PressRequest(k, k // 8 % 8))
        if k % 20 == 19:
            await moves.answer(session, GoRequest(k, len(session.timeline.nodes) - 5))


async def play_four(moves: Moves, picture: torch.Tensor, said: Connection) -> None:
    sessions = [Session(0.0) for _ in range(4)]
    for session in sessions:
        await moves.answer(session, StartRequest(0, ("prompt:0",), picture, 1))
    said.send(resident())
    for _ in range(3):
        await asyncio.gather(*(play(moves, session, 40) for session in sessions))
        said.send(resident())


def measure(said: Connection) -> None:
    torch.set_num_threads(2)
    world = World.load("coinrun")
    moves = Moves(Engine(world), world.num_actions, 6000, Counts())
    asyncio.run(play_four(moves, world.prompts()[0][1][None], said))
    moves.engine.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_stays_within_what_the_games_hold_however_long_they_are_played():
    heard, said = CONTEXT.Pipe(duplex=False)
    process = start(measure, said)
    said.close()
    begin, first, second, third = (heard.recv() for _ in range(4))
    process.join(timeout=60)
    assert third - begin < 4 * 110  # MB a game, as docs/serve.md promises
    assert third - second < 30 and second - first < 60  # 160 frames of 6.5 kB, 48 states long there

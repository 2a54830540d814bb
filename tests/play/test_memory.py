import subprocess
import sys

import pytest

PLAY = """
import asyncio, re
from pathlib import Path
import torch
from playworld import World
from playworld.play.metrics import Counts
from playworld.play.moves import Moves
from playworld.play.requests import PressRequest, StartRequest, GoRequest
from playworld.play.sessions import Session
from playworld.world import Engine

torch.set_num_threads(2)
world = World.load("coinrun")
moves = Moves(Engine(world), world.num_actions, 6000, Counts())
picture = world.prompts()[0][1][None]

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

async def play(session, frames):
    for k in range(frames):
        await moves.answer(session, PressRequest(k, k // 8 % 8))
        if k % 20 == 19:
            await moves.answer(session, GoRequest(k, len(session.timeline.nodes) - 5))

async def main():
    sessions = [Session(0.0) for _ in range(4)]
    for session in sessions:
        await moves.answer(session, StartRequest(0, ("prompt:0",), picture, 1))
    print(resident())
    for _ in range(3):
        await asyncio.gather(*(play(session, 40) for session in sessions))
        print(resident())

asyncio.run(main())
moves.engine.close()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_stays_within_what_the_games_hold_however_long_they_are_played():
    run = subprocess.run([sys.executable, "-c", PLAY], check=True, capture_output=True, text=True)
    begin, first, second, third = map(float, run.stdout.split())
    assert third - begin < 4 * 110  # MB a game, as docs/serve.md promises
    assert third - second < 30 and second - first < 60  # 160 frames of 6.5 kB, 48 states long there

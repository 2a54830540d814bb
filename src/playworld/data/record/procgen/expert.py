"""Solves CoinRun levels from their start and streams what it sees. Runs as a script.

Like `player.py` it runs in an interpreter that has procgen: a JSON request as the only argument,
and for each level one line of JSON (`frames`, `level_seed`, `actions`, `solved`) and then its raw
pictures, none if the level was not solved. Only the standard library, numpy and procgen may be
imported here.

The expert is there to be imitated, so that the same sight leads to the same keys: it runs to the
right, and jumps only before what running would not pass, from the middle of the places that a jump
may begin at; only where that leads nowhere does it wait or go back. All of it is rehearsed in the
running game, which is then put back. Some levels it plays from where a blunder has led, so that a
learner sees how to get out of its own.
"""

import json
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np

LEFT, LEFT_JUMP, STAND, UP, RIGHT, JUMP = 1, 2, 4, 5, 7, 8
"""Procgen's actions; `JUMP` is to the right."""
SIZE = np.array([0.5, 0.5787], dtype=np.float32).tobytes()
"""Half the figure's width and height, in tiles: no other thing of the game is as high. In a saved
state they follow its place and speed, at no fixed offset."""
TAKE_OFF = 8
"""Presses before an obstacle from which jumps are rehearsed: about as far as one sees."""
WAIT = 4
"""Presses of standing, or of going back, before another look."""
MOST_IDLE = 16
"""Presses after which standing on, or going on back, is not tried."""
VISITS = 4
"""Times the expert looks round at one place: an enemy may have gone on since."""
LOOKS = 150
"""Looks (a run and its jumps) after which a level counts as unsolved."""
BLUNDER = 5
"""A blunder takes 1 to 2^5 presses, half of all up to 2^2.5: most errors are small."""
BLUNDERS = 8
"""Blunders that are tried in a level until one leaves a way on."""
SHORTEST = 4
"""Presses to the coin below which a blunder is tried again: a film of fewer shows nothing."""
WHIMS = (RIGHT, RIGHT, JUMP, JUMP, LEFT, LEFT_JUMP, UP, STAND)
"""What is pressed in a blunder, for about three presses at a time."""
LONGEST = 60
"""Presses after which a run or a jump is cut off."""


@dataclass(frozen=True)
class Moment:
    """The game after some presses."""

    state: bytes
    presses: tuple[int, ...]
    x: float
    y: float
    rising: bool
    lands: bool
    """Whether the figure stands or runs on something."""
    end: str = ""
    """"coin" or "lost" once the episode is over."""


class Level:
    """A level that can be put back to any moment."""

    def __init__(self, env: dict[str, Any], level: int, hold: int) -> None:
        from procgen import ProcgenGym3Env

        # num_levels=0, Procgen's default, would ignore start_level.
        self.env = ProcgenGym3Env(
            num=1, num_threads=0, rand_seed=0, num_levels=1, start_level=level, **env
        )
        self.hold = hold
        self.start = self.moment(())

    def moment(self, presses: tuple[int, ...]) -> Moment:
        """Return the game as it is now, after these presses."""
        state = self.env.get_state()[0]
        x, y, _, vy = np.frombuffer(state, np.float32, 4, state.index(SIZE) - 16).tolist()
        return Moment(state, presses, x, y, rising=vy > 0, lands=vy == 0)

    def press(self, before: Moment, action: int) -> Moment:
        """Return the moment after one more press."""
        self.env.set_state([before.state])
        presses = (*before.presses, action)
        for _ in range(self.hold):
            self.env.act(np.array([action], dtype=np.int32))
            reward, _, first = self.env.observe()
            if first[0]:
                end = "coin" if reward[0] > 0 else "lost"
                return Moment(b"", presses, before.x, before.y, False, False, end)
        return self.moment(presses)

    def run(self, before: Moment) -> list[Moment]:
        """Run to the right until the episode ends or a wall does not give way."""
        way = [before]
        while len(way) < LONGEST and not way[-1].end:
            way.append(self.press(way[-1], RIGHT))
            if len(way) > 2 and not way[-1].end and way[-1].x - way[-3].x < 0.05:
                return way[:-1]
        return way

    def jump(self, before: Moment, falling: int) -> Moment:
        """Jump to the right, with the key `falling` held once the figure falls, until it lands."""
        now = self.press(before, JUMP)
        while not (now.lands or now.end or len(now.presses) - len(before.presses) > LONGEST):
            now = self.press(now, JUMP if now.rising else falling)
        return now

    def idle(self, now: Moment, action: int) -> Moment:
        """Stand, or go back, for a while."""
        for _ in range(WAIT):
            if not now.end:
                now = self.press(now, action)
        return now


def from_the_middle(works: list[int]) -> list[int]:
    """Order the places that a jump may begin at: those with most room to both sides first."""
    have = set(works)

    def room(k: int) -> int:
        reach = 0
        while k - reach - 1 in have and k + reach + 1 in have:
            reach += 1
        return reach

    return sorted(works, key=lambda k: (-room(k), -k))


def ways_on(game: Level, now: Moment) -> Iterator[Moment]:
    """Yield where one may go from here, the best first."""
    way = game.run(now)
    if way[-1].end == "coin":
        yield way[-1]
        return
    stop = max(way[:-1] if way[-1].end else way, key=lambda moment: moment.x)
    starts = [k for k in range(max(0, len(way) - TAKE_OFF), len(way)) if way[k].lands]
    for falling in (RIGHT, STAND, LEFT):
        jumps = {k: game.jump(way[k], falling) for k in starts}
        works = [k for k in starts if passes(jumps[k], stop)]
        for k in from_the_middle(works):
            yield jumps[k]
    for action in (STAND, LEFT):
        if now.presses[-MOST_IDLE:] != (action,) * MOST_IDLE:
            yield game.idle(now, action)


def passes(after: Moment, stop: Moment) -> bool:
    """Return whether a jump leads on from where running stops."""
    beyond = after.x > stop.x + 0.5 or after.y > stop.y + 0.5
    return after.end == "coin" or (not after.end and beyond)


def blunder(game: Level, way: tuple[int, ...], rng: random.Random) -> Moment:
    """Return where random keys lead in a while from somewhere on a way; often that is mid-air."""
    now = game.start
    for action in way[: rng.randrange(len(way))]:
        now = game.press(now, action)
    action = rng.choice(WHIMS)
    for _ in range(round(2 ** rng.uniform(0, BLUNDER))):
        if rng.random() < 0.3:
            action = rng.choice(WHIMS)
        after = game.press(now, action)
        now = now if after.end else after
    return replace(now, presses=())


def from_a_blunder(
    game: Level, way: tuple[int, ...], rng: random.Random, longest: int
) -> tuple[Moment, tuple[int, ...]]:
    """Return where a blunder has led and the presses from there to the coin.

    Where none of a few blunders leaves a way on that is long enough, that is the start of the level
    and `way`. A blunder that takes the coin leaves a short one, as its last press is undone.
    """
    for _ in range(BLUNDERS):
        start = blunder(game, way, rng)
        presses = solve(game, start, longest)
        if presses and len(presses) >= SHORTEST:
            return start, presses
    return game.start, way


def solve(game: Level, start: Moment, longest: int) -> tuple[int, ...] | None:
    """Return the presses that reach the coin, at most `longest`; None if none were found."""
    visits: Counter[tuple[int, int]] = Counter()
    open_ways = [ways_on(game, start)]
    looks = 0
    while open_ways and looks < LOOKS:
        after = next(open_ways[-1], None)
        if after is None:
            open_ways.pop()
            continue
        if after.end == "coin" and len(after.presses) <= longest:
            return after.presses
        place = (round(after.x), round(after.y))
        if after.end or visits[place] == VISITS or len(after.presses) >= longest:
            continue
        visits[place] += 1
        looks += 1
        open_ways.append(ways_on(game, after))
    return None


def film(
    game: Level, start: Moment, presses: tuple[int, ...]
) -> tuple[list[np.ndarray], list[int]]:
    """Play on from a moment; return every frame and the action taken from each.

    Procgen shows the next episode at once when one ends: that frame is never part of this one.
    """
    frames: list[np.ndarray] = []
    actions: list[int] = []
    game.env.set_state([start.state])
    for action in presses:
        for _ in range(game.hold):
            _, observation, first = game.env.observe()
            if first[0] and frames:
                break
            frames.append(observation["rgb"][0].copy())
            actions.append(action)
            game.env.act(np.array([action], dtype=np.int32))
    return frames, actions


def answer(out: BinaryIO, request: dict[str, Any]) -> None:
    """Write every level's episode to `out`, until the reader is gone."""
    for level in range(*request["levels"]):
        game = Level(request["env"], level, request["hold"])
        rng = random.Random(f"coinrun/{level}")
        longest = request["max_frames"] // request["hold"]
        start, presses = game.start, solve(game, game.start, longest)
        if presses and rng.random() < request["blunders"]:
            start, presses = from_a_blunder(game, presses, rng, longest)
        frames, actions = ([], []) if presses is None else film(game, start, presses)
        head = {"frames": len(frames), "level_seed": level, "actions": actions}
        out.write(json.dumps({**head, "solved": presses is not None}).encode() + b"\n")
        for frame in frames:
            out.write(frame.tobytes())
        out.flush()


if __name__ == "__main__":
    # Libraries that print must not print into the stream.
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answer(stream, json.loads(sys.argv[1]))

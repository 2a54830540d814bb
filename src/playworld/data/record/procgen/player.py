"""Plays Procgen and streams what it sees. Runs as a script, in an interpreter that has procgen.

Procgen needs numpy 1 and gym, which the main environment does not have, so `record` runs this file
in an environment of its own: a JSON request as the only argument, answers on standard output. One
answer is one line of JSON (`frames`, `level_seed`, `actions`) and then `frames` raw pictures of
64x64x3 bytes. Only the standard library, numpy and procgen may be imported here.

A player proposes short plans. A few are rehearsed in the running game, which is then put back, and
the one that survives and gets furthest is played: so it crosses pits and covers ground in any game
without knowing its rules. Some plans are played unrehearsed, so that accidents are recorded too.
"""

import json
import os
import random
import sys
from typing import Any, BinaryIO

import numpy as np

LEFT, STAND, RIGHT = -1, 0, 1
NOTHING = 4
"""Procgen's action that presses no key."""
PLANS = 3
"""Plans rehearsed before one is played."""
UNREHEARSED = 0.15
"""Share of plans played without a rehearsal."""
COAST = 12
"""Frames without a key rehearsed after a plan: a jump may end it over a pit."""
STRIDE = 2
"""Frames from one measurement of the view's movement to the next."""
REACH_RIGHT, REACH_DOWN = 7, 16
"""Largest movement of the view over `STRIDE` frames that is looked for, in pixels. A CoinRun figure
runs 2.5 pixels a frame, and jumps and falls up to 7.5."""
EDGE = 40.0
"""Contrast (0..255) above which all edges count the same."""
STOPPED = 12.0
"""Score below which a plan leads nowhere: for a runner, pixels."""


def combo(vx: int, vy: int) -> int:
    """Return Procgen's number for a direction pressed, each in -1..1, `vy` 1 meaning up."""
    return (vx + 1) * 3 + vy + 1


def edges(frame: np.ndarray) -> np.ndarray:
    """Return the spectrum of a picture's edges, padded so that nothing matches round the border."""
    grey = frame.astype(np.float32).mean(axis=2)
    found = np.zeros((96, 80), dtype=np.float32)
    found[1:64, 1:64] = np.abs(np.diff(grey[1:], axis=1)) + np.abs(np.diff(grey[:, 1:], axis=0))
    found[24:40, 28:36] = 0  # the player's own figure stays in the middle
    return np.fft.rfft2(np.minimum(found, EDGE))


def steps_right(frames: list[np.ndarray]) -> np.ndarray:
    """Return how many pixels the view moves to the right over every `STRIDE` frames."""
    spectra = [edges(frame) for frame in frames[::STRIDE]]
    steps = []
    for last, now in zip(spectra[:-1], spectra[1:], strict=True):
        match = np.fft.irfft2(last * np.conj(now))
        near = np.roll(match, (REACH_DOWN, REACH_RIGHT), axis=(0, 1))
        near = near[: 2 * REACH_DOWN + 1, : 2 * REACH_RIGHT + 1]
        steps.append(int(near.argmax()) % near.shape[1] - REACH_RIGHT)
    return np.array(steps, dtype=int)


class RunningPlayer:
    """A player for games seen from the side: legs to the right and back, jumps, short stands.

    Each leg goes as far beyond the place where the other side was last turned from as chance
    wants, so the view moves left as much as right.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.side = RIGHT
        self.left = 10_000  # pixels of this leg still to go
        self.balance = 0  # pixels moved right less pixels moved left since the recording began

    def give_up(self) -> None:
        """Turn round: begin a leg to the other side."""
        self.side = -self.side
        # Levels end at their right: a leg that way is the last one more often, so it is shorter.
        beyond = self.rng.randint(10, 40) if self.side == RIGHT else self.rng.randint(60, 240)
        self.left = max(0, -self.balance * self.side) + beyond

    def propose(self) -> list[int]:
        """Return a plan for this leg."""
        return self.runs(self.side)

    def runs(self, side: int) -> list[int]:
        """Return 20 to 45 frames of running to one side, with jumps."""
        length = self.rng.randint(20, 45)
        plan: list[int] = []
        while len(plan) < length:
            jumps = self.rng.random() < 0.35
            hold = self.rng.randint(2, 6) if jumps else self.rng.randint(3, 16)
            plan += [combo(side, 1 if jumps else 0)] * hold
        return plan[:length]

    def whim(self) -> list[int]:
        """Return what is done without a thought: standing, a jump on the spot, or some running."""
        if self.rng.random() < 0.5:
            jump, stand = [combo(STAND, 1)] * self.rng.randint(0, 4), combo(STAND, 0)
            return jump + [stand] * self.rng.randint(4, 14)
        return self.runs(self.rng.choice((LEFT, RIGHT)))[: self.rng.randint(4, 16)]

    def judge(self, frames: list[np.ndarray]) -> tuple[float, int]:
        """Return the pixels of progress on this leg, and the frames until it ends."""
        way = np.cumsum([0, *steps_right(frames)]) * self.side
        furthest = int(way.argmax())
        return float(way[furthest]) + self.rng.uniform(0, 6), STRIDE * furthest + 6

    def learn(self, frames: list[np.ndarray]) -> None:
        """Count the way made; turn at the end of a leg."""
        right = int(steps_right(frames).sum())
        self.balance += right
        self.left -= right * self.side
        if self.left <= 0:
            self.give_up()


class WanderingPlayer:
    """A sticky random player for any game: keeps a heading, strays from it for moments."""

    def __init__(self, rng: random.Random, actions: list[int]) -> None:
        self.rng = rng
        self.actions = actions

    def propose(self) -> list[int]:
        """Return 15 to 50 frames around one heading, each action held for several."""
        heading = self.rng.choice(self.actions)
        length = self.rng.randint(15, 50)
        plan: list[int] = []
        while len(plan) < length:
            strays = self.rng.random() < 0.35
            action = self.rng.choice(self.actions) if strays else heading
            plan += [action] * self.rng.randint(3, 8)
        return plan[:length]

    def whim(self) -> list[int]:
        """Return what is done without a thought: the beginning of any plan."""
        return self.propose()[: self.rng.randint(4, 16)]

    def judge(self, frames: list[np.ndarray]) -> tuple[float, int]:
        """Return how different the last picture is from the first, with some whim; all of it."""
        change = np.abs(frames[-1].astype(np.float32) - frames[0]).mean()
        return STOPPED + float(change) * self.rng.uniform(0.5, 1.0), len(frames)

    def give_up(self) -> None:
        """Do nothing special: the next heading is drawn afresh."""

    def learn(self, frames: list[np.ndarray]) -> None:
        """Remember nothing: the next heading is drawn afresh."""


class HoldingPlayer(WanderingPlayer):
    """Holds one key after another, at random and also where that leads nowhere.

    Against a wall, in the air, standing: what the others would not do for long, and a world has to
    know. Rehearsals only keep it alive.
    """

    def propose(self) -> list[int]:
        """Return one action, held for a fifth of a second to two seconds."""
        return [self.rng.choice(self.actions)] * self.rng.randint(4, 40)

    def whim(self) -> list[int]:
        """Return any plan."""
        return self.propose()

    def judge(self, frames: list[np.ndarray]) -> tuple[float, int]:
        """Return any score: whatever is survived is as good, so that no key is preferred."""
        return STOPPED + self.rng.random(), len(frames)


Player = RunningPlayer | WanderingPlayer
"""Proposes plans, judges what they would show, learns what the one that was played has shown."""


def shown(env: Any) -> np.ndarray:
    """Return the picture to record: the game's own, or the mean of its large one if it has one."""
    large = env.get_info()[0].get("rgb")
    if large is None:
        return env.observe()[1]["rgb"][0].copy()
    blocks = large.astype(np.float32).reshape(64, 8, 64, 8, 3)
    return blocks.mean(axis=(1, 3)).round().astype(np.uint8)


def rehearse(env: Any, plan: list[int]) -> tuple[list[np.ndarray], bool]:
    """Return the frames that a plan would show, and whether the episode would go on after it."""
    saved = env.get_state()
    frames = [env.observe()[1]["rgb"][0].copy()]
    alive = True
    for action in plan + [NOTHING] * COAST:
        env.act(np.array([action], dtype=np.int32))
        _, observation, first = env.observe()
        if first[0]:
            alive = False
            break
        frames.append(observation["rgb"][0].copy())
    env.set_state(saved)
    return frames[: len(plan) + 1], alive


def choose(env: Any, player: Player, rng: random.Random) -> list[int]:
    """Return the plan to play now: usually the best of a few that the game survives."""
    if rng.random() < UNREHEARSED:
        return player.whim()
    best, best_score = player.propose()[:8], 0.0
    for tried in range(3 * PLANS):
        if tried >= PLANS and best_score >= STOPPED:
            break  # more care is only for where the first plans led nowhere
        plan = player.propose()
        frames, alive = rehearse(env, plan)
        score, length = player.judge(frames)
        if alive and score > best_score:
            best, best_score = plan[:length], score
    if best_score < STOPPED:
        player.give_up()
    return best


def play(
    env: Any, player: Player, rng: random.Random, max_frames: int
) -> tuple[list[np.ndarray], list[int]]:
    """Play on and return the frames and the action taken from each.

    Procgen shows the next episode at once when one ends: that frame is never part of this one.
    """
    frames: list[np.ndarray] = []
    actions: list[int] = []
    while len(frames) < max_frames:
        begin = len(frames)
        for action in choose(env, player, rng)[: max_frames - begin]:
            frames.append(shown(env))
            actions.append(action)
            env.act(np.array([action], dtype=np.int32))
            if env.observe()[2][0]:
                return frames, actions
        player.learn(frames[max(0, begin - 1) :])
    return frames, actions


def run_up(env: Any, player: RunningPlayer, rng: random.Random, plans: int) -> None:
    """Run some way to the right, unrecorded: a level begins at its left end.

    A run-up that would end the episode stops before that plan.
    """
    for _ in range(plans):
        saved = env.get_state()
        plan = choose(env, player, rng)
        for action in plan:
            env.act(np.array([action], dtype=np.int32))
            if env.observe()[2][0]:
                env.set_state(saved)
                return


def episode(request: dict[str, Any], level: int) -> tuple[list[np.ndarray], list[int]]:
    """Return the frames and actions of one level.

    An accident in the first moments is played again, a few times, and the longest try is kept.
    """
    from procgen import ProcgenGym3Env

    best: tuple[list[np.ndarray], list[int]] = ([], [])
    for attempt in range(request["attempts"]):
        # num_levels=0, Procgen's default, would ignore start_level.
        env = ProcgenGym3Env(
            num=1, num_threads=0, rand_seed=0, num_levels=1, start_level=level, **request["env"]
        )
        rng = random.Random(f"{request['env']['env_name']}/{level}/{attempt}")
        player: Player = WanderingPlayer(rng, request["actions"])
        if request["env"]["env_name"] == "coinrun":
            player = RunningPlayer(rng)
            # The last try has none: where it stops, a short level may be as good as over.
            last = attempt == request["attempts"] - 1
            run_up(env, player, rng, 0 if last else rng.randint(1, 10))
            player.give_up()
        if request["holds"]:
            player = HoldingPlayer(rng, request["actions"])
        best = max(best, play(env, player, rng, request["max_frames"]), key=lambda e: len(e[0]))
        if len(best[0]) >= request["min_frames"]:
            break
    return best


def answer(out: BinaryIO, request: dict[str, Any]) -> None:
    """Write as many episodes as the request asks for to `out`, each of the next level.

    A level that is over at once, whatever one does (some of Jumper's begin on the goal), is passed
    over.
    """
    done = 0
    for level in range(*request["levels"]):
        if done == request["episodes"]:
            return
        frames, actions = episode(request, level)
        if len(frames) < request["too_short"]:
            continue
        head = {"frames": len(frames), "level_seed": level, "actions": actions}
        out.write(json.dumps(head).encode() + b"\n")
        for frame in frames:
            out.write(frame.tobytes())
        out.flush()
        done += 1


if __name__ == "__main__":
    # Libraries that print must not print into the stream.
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    answer(stream, json.loads(sys.argv[1]))

"""Episodes of the robot: pictures, the commands that led from each to the next, and positions."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import UInt8

from playworld.data.record.fetch.motions import Hand
from playworld.data.record.fetch.scene import Simulation

Vector = tuple[float, ...]


@dataclass(frozen=True)
class FetchFilm:
    """One episode; everything has one entry per frame."""

    seed: int
    task: str
    frames: UInt8[np.ndarray, "T H W 3"]
    commands: tuple[Vector, ...]
    """The command given from each frame on (`scene.COMMANDS`)."""
    hand: tuple[Vector, ...]
    """Where the fingertips were, in metres."""
    thing: tuple[Vector, ...]
    """Where the cube, or the free edge of the door, was."""


def films(
    tasks: Sequence[str], seeds: range, length: int, size: tuple[int, int]
) -> Iterator[FetchFilm]:
    """One film of `length` frames per seed, of each task in turn; `size` is width and height.

    A film depends on its seed and its task alone.
    """
    with ExitStack() as stack:
        scenes = {task: stack.enter_context(closing(Simulation(task, *size))) for task in tasks}
        for number, seed in enumerate(seeds):
            yield _film(scenes[tasks[number % len(tasks)]], seed, length)


def _film(scene: Simulation, seed: int, length: int) -> FetchFilm:
    scene.reset(seed)
    actor = Hand(scene, np.random.default_rng((seed, 1)))
    for command in actor.arrive():
        scene.act(command)
    frames, commands, hand, thing = [], [], [], []
    for command in islice(actor.live(), length):
        frames.append(scene.picture())
        commands.append(_rounded(command))
        hand.append(_rounded(scene.hand))
        thing.append(_rounded(scene.thing))
        scene.act(command)
    return FetchFilm(seed, scene.task, np.stack(frames), tuple(commands), tuple(hand), tuple(thing))


def _rounded(numbers: np.ndarray) -> Vector:
    return tuple(round(float(number), 4) for number in numbers)

"""Demonstrations: frames of an expert, and the label of each transition."""

import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from playworld.agents.matching import refuse_other_films
from playworld.agents.moves import UNKNOWN, move_of
from playworld.config import InputError
from playworld.data.clips.dataset import ClipDataset
from playworld.data.clips.shards import DamagedChunk
from playworld.data.record.actions import ContinuousActions, read_actions
from playworld.evaluate.heldout import held_longest
from playworld.world import World

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Demonstration:
    """One scene of an expert."""

    frames: UInt8[Tensor, "T H W 3"]
    """All of them: transition k leads from frame k to frame k + 1."""
    source: Path
    """The video that was ingested; an action file may lie beside it."""
    times: tuple[float, ...]
    """When each frame was shown, in seconds of that video."""


@dataclass(frozen=True)
class Demonstrations:
    """Films of an expert, one after another, in memory."""

    films: tuple[Demonstration, ...]
    """In the order of the clips."""
    fps: float
    """Frames per second."""

    @cached_property
    def transitions(self) -> Int[np.ndarray, "n 2"]:
        """Film and first frame of every transition, in the order of all labels."""
        lengths = [len(film.frames) - 1 for film in self.films]
        film = np.repeat(np.arange(len(lengths)), lengths)
        within = np.concatenate([np.arange(length) for length in lengths])
        return np.stack([film, within], axis=1)

    def windows(self, rows: Int[np.ndarray, " B"], frames: int) -> UInt8[Tensor, "B F H W 3"]:
        """The frames before transitions; the last of them is where they begin.

        A film's first frame is repeated where it has no earlier ones, as at a game's beginning.
        """
        back = np.arange(1 - frames, 1)
        picked = [(f, np.maximum(k + back, 0)) for f, k in self.transitions[rows].tolist()]
        return torch.stack([self.films[film].frames[k] for film, k in picked])

    def latent_actions(self, world: World) -> Int[np.ndarray, " n"]:
        """What the world's frozen latent action model sees in each transition.

        Raises:
            InputError: where the films are not as large or as fast as the world's.
        """
        height, width = self.films[0].frames.shape[1:3]
        refuse_other_films(world, height, width, self.fps)
        found = [world.infer_actions(film.frames[None])[0].cpu().numpy() for film in self.films]
        return np.concatenate(found)

    def true_moves(self) -> Int[np.ndarray, " n"]:
        """What was really pressed in each transition: indices into `MOVES`, or `UNKNOWN`.

        Raises:
            InputError: where none is known, or they are not those of a game with keys.
        """
        moves = np.concatenate([_moves(film) for film in self.films])
        if (moves == UNKNOWN).all():
            raise InputError(
                f"no action files beside the videos in {self.films[0].source.parent}: true actions "
                "are known of recordings only (playworld record coinrun)"
            )
        return moves


def read_demonstrations(
    clips: Path, split: Literal["train", "valid"], minutes: float | None = None
) -> Demonstrations:
    """Scenes of an ingested folder, up to so many minutes in all; damaged ones are left out.

    Raises:
        InputError: where the folder holds no clips.
    """
    dataset = ClipDataset(clips, split, 2)
    limit = None if minutes is None else minutes * 60 * dataset.fps
    films: list[Demonstration] = []
    for number, scene in enumerate(dataset.scenes):
        if limit is not None and sum(len(film.frames) for film in films) >= limit:
            break
        if scene.num_frames < 2:
            continue
        try:
            frames = torch.from_numpy(dataset.shards.read(number, 0, scene.num_frames))
        except DamagedChunk as error:
            log.warning("%s: this demonstration is left out", error)
            continue
        films.append(Demonstration(frames, dataset.videos / scene.source, tuple(scene.times)))
    if not films:
        raise InputError(f"{clips}: every {split} scene is damaged; ingest the videos again")
    return Demonstrations(tuple(films), dataset.fps)


def _moves(film: Demonstration) -> Int[np.ndarray, " s"]:
    truth = read_actions(film.source) if film.source.parent.is_dir() else None
    if isinstance(truth, ContinuousActions):
        raise InputError(
            f"the action file of {film.source} has {len(truth.names)} numbers per frame, as of a "
            "robot: true actions are needed only from recordings of CoinRun (playworld record "
            "coinrun)"
        )
    if truth is None:
        return np.full(len(film.times) - 1, UNKNOWN)
    known = {number: move_of(name) for number, name in enumerate(truth.names)}
    held = held_longest(truth.times, truth.actions, np.asarray(film.times))
    return np.array([UNKNOWN if number is None else known[number] for number in held])

"""Clips of held-out video: pictures, times, and the keys pressed where they were recorded."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from playworld.config import InputError
from playworld.data.clips.dataset import ClipDataset, ClipId
from playworld.data.clips.shards import DamagedChunk
from playworld.data.record.actions import Actions, ContinuousActions, read_actions
from playworld.evaluate.agreement import UNKNOWN

log = logging.getLogger(__name__)

CLOCK_SLACK = 1e-3
"""Seconds by which the clocks of pictures and of keys may differ: containers round timestamps."""


@dataclass(frozen=True)
class HeldOut:
    """Held-out clips, from the `valid` split."""

    video: UInt8[Tensor, "clips T H W C"]
    sources: tuple[str, ...]
    """The video file of each clip, relative to `videos`."""
    times: tuple[np.ndarray, ...]
    """When each frame of each clip was shown, in seconds of its video."""
    fps: float
    """Frames per second."""
    videos: Path
    """The folder that was ingested; action files may lie there."""

    def part(self, clips: int) -> tuple["HeldOut", "HeldOut"]:
        """The first so many clips, and the rest."""
        halves = (slice(None, clips), slice(clips, None))
        first, rest = (
            replace(self, video=self.video[h], sources=self.sources[h], times=self.times[h])
            for h in halves
        )
        return first, rest


def read_held_out(
    clips: Path,
    num_clips: int,
    length: int,
    seed: int,
    split: Literal["train", "valid"] = "valid",
) -> HeldOut:
    """Up to `num_clips` clips of `length` frames that do not overlap, spread evenly over scenes.

    The choice depends on the seed and the data alone, so two worlds are measured on the same clips.
    A figure may only come from the `valid` split.

    Raises:
        InputError: where CLIPS is no folder of clips or no held-out scene is that long.
    """
    dataset = ClipDataset(clips, split, length)
    video: list[Tensor] = []
    sources: list[str] = []
    times: list[np.ndarray] = []
    for clip in _spread(dataset, seed):
        if len(video) == num_clips:
            break
        try:
            video.append(torch.from_numpy(dataset.read(clip)))
        except DamagedChunk as error:
            log.warning("%s: this clip is left out", error)
            continue
        scene = dataset.scenes[clip.scene]
        sources.append(scene.source)
        times.append(np.asarray(scene.times[clip.start : clip.start + length]))
    if not video:
        raise InputError(f"{clips}: every held-out clip is damaged; ingest the videos again")
    return HeldOut(torch.stack(video), tuple(sources), tuple(times), dataset.fps, dataset.videos)


def _spread(dataset: ClipDataset, seed: int) -> list[ClipId]:
    """Non-overlapping clips in random order: one of every scene, then a second one, and so on."""
    generator = torch.Generator().manual_seed(seed)
    turns = []
    for scene, info in enumerate(dataset.scenes):
        slots = info.num_frames // dataset.length
        spare = info.num_frames - slots * dataset.length
        shift = int(torch.randint(spare + 1, (1,), generator=generator))
        for turn, slot in enumerate(torch.randperm(slots, generator=generator).tolist()):
            order = torch.rand(1, generator=generator).item()
            turns.append((turn, order, ClipId(scene, shift + slot * dataset.length)))
    return [clip for _, _, clip in sorted(turns)]


def pressed_keys(
    held: HeldOut,
) -> tuple[Int[Tensor, "clips transitions"], tuple[str, ...]] | None:
    """The key of every transition and the names of the keys; None where no key was written down.

    A robot that is steered by numbers presses no keys: such action files are passed over, and the
    log says so. A transition lasts from the time of its first frame up to that of its second, and a
    game may take several steps in it: its key is the one held longest, at a tie the first.
    `UNKNOWN` where a clip's video has no action file, or it says nothing about that time.
    """
    files = {source: _read(held.videos / source) for source in set(held.sources)}
    found = sorted({name for actions in files.values() if actions for name in actions.names})
    if not found:
        return None
    number = {name: i for i, name in enumerate(found)}
    keys = torch.full((len(held.sources), held.video.shape[1] - 1), UNKNOWN)
    for row, (source, times) in enumerate(zip(held.sources, held.times, strict=True)):
        actions = files[source]
        if actions is None:
            continue
        for k, name in enumerate(held_longest(actions.times, actions.actions, times)):
            if name is not None:
                keys[row, k] = number[actions.names[name]]
    return keys, tuple(found)


def _read(video: Path) -> Actions | None:
    actions = read_actions(video) if video.parent.is_dir() else None
    if isinstance(actions, ContinuousActions):
        _say_continuous(video.parent, len(actions.names))
        return None
    return actions


@cache
def _say_continuous(videos: Path, count: int) -> None:
    log.info("%s: actions are %d numbers per frame, no keys to compare codes with", videos, count)


def held_longest(
    action_times: Sequence[float], actions: Sequence[int], frame_times: np.ndarray
) -> list[int | None]:
    """The commonest action of each transition between two frames; None where there is none."""
    edges = np.searchsorted(np.asarray(action_times), frame_times - CLOCK_SLACK)
    spans = [list(actions[a:b]) for a, b in zip(edges[:-1], edges[1:], strict=True)]
    return [Counter(span).most_common(1)[0][0] if span else None for span in spans]

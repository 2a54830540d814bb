"""Keys for the buttons of a world, from moments of video for which the key is known or guessed.

A label is a moment of a video (its file and time, so that it holds for any clips of that video) and
the name of a key. A button takes the key that the moments with its code have most often.
"""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from playworld.atomic import write_whole
from playworld.config import InputError, from_dict, to_dict
from playworld.data.clips.dataset import ClipDataset, ClipId
from playworld.data.clips.shards import read_json
from playworld.data.clips.split_names import SPLITS
from playworld.evaluate.agreement import UNKNOWN
from playworld.evaluate.directions import infer_codes
from playworld.evaluate.heldout import CLOCK_SLACK, HeldOut, pressed_keys, read_held_out
from playworld.evaluate.metrics.steering import commands
from playworld.words import counted
from playworld.world.folder import Button
from playworld.world.world import World

LENGTH, BEFORE = 8, 3
"""Frames of the clip around a moment, and those of them before its first frame."""
LOOKED_AT = 256
"""Clips that moments are chosen from, or whose recorded keys count."""
MOST, OFTEN = 0.5, 2.0
"""A key names a button that has it in half of its moments, or twice as often as others do."""
STILL = ("none", "noop", "stay")
"""Names that action files have for no key at all."""
Arrow = Literal["", "←", "→", "↑", "↓", "↖", "↗", "↘", "↙", "•"]
ARROWS: dict[frozenset[str], Arrow] = {
    frozenset({"left"}): "←",
    frozenset({"right"}): "→",
    frozenset({"up"}): "↑",
    frozenset({"jump"}): "↑",
    frozenset({"down"}): "↓",
    frozenset({"left", "up"}): "↖",
    frozenset({"right", "up"}): "↗",
    frozenset({"right", "down"}): "↘",
    frozenset({"left", "down"}): "↙",
}
"""Words in the name of a key, as in "right-up", and the arrow of its button."""


@dataclass(frozen=True)
class KeyLabel:
    """What was pressed at a moment of a video."""

    source: str
    """The video file, relative to the folder that was ingested."""
    time: float
    """Seconds since its start, of the frame before the change."""
    key: str
    """Name of the key, such as "left" or "x"; "none" for no key."""


@dataclass(frozen=True)
class _Document:
    labels: tuple[KeyLabel, ...]
    format: Literal[1] = 1


Counts = Mapping[int, Counter[str]]
"""How often each code has each key."""


def keys_file(world: Path) -> Path:
    """The file of labels that belongs to the folder of a world; it need not be there."""
    return world.with_name(f"{world.name}.keys.json")


def read_labels(path: Path) -> tuple[KeyLabel, ...]:
    """Labels from a file that `write_labels` wrote.

    Raises:
        InputError: where it is none.
    """
    return from_dict(_Document, read_json(path), str(path)).labels


def write_labels(path: Path, labels: Sequence[KeyLabel]) -> None:
    """Write labels to a file, which is replaced whole."""
    write_whole(path, json.dumps(to_dict(_Document(tuple(labels))), indent=1) + "\n")


def choose_moments(world: World, clips: Path, count: int, seed: int = 0) -> HeldOut:
    """Clips of `LENGTH` frames around moments, of every code in turn; held-out if they suffice.

    Raises:
        InputError: where no scene is as long.
    """
    held = read_held_out(clips, LOOKED_AT, LENGTH, seed, split="train")
    with contextlib.suppress(InputError):
        better = read_held_out(clips, LOOKED_AT, LENGTH, seed)
        held = better if len(better.video) >= count else held
    codes = infer_codes(world, held.video)[:, BEFORE].tolist()
    turn: Counter[int] = Counter()
    places = []
    for place, code in enumerate(codes):
        places.append((turn[code], place))
        turn[code] += 1
    chosen = sorted(place for _, place in sorted(places)[:count])
    sources, times = tuple(held.sources[i] for i in chosen), tuple(held.times[i] for i in chosen)
    return replace(held, video=held.video[chosen], sources=sources, times=times)


def labels_of(moments: HeldOut, keys: Mapping[int, str]) -> list[KeyLabel]:
    """The labels of moments by their position."""
    return [
        KeyLabel(moments.sources[place], float(moments.times[place][BEFORE]), key)
        for place, key in keys.items()
    ]


def count_labels(world: World, clips: Path, labels: Sequence[KeyLabel]) -> Counts:
    """How often each code has each key, at these moments.

    Raises:
        InputError: where the clips hold none of these moments.
    """
    splits = list(_splits(clips))
    around = [_clip_around(splits, label) for label in labels]
    found = [(label.key, *clip) for label, clip in zip(labels, around, strict=True) if clip]
    if not found:
        raise InputError(f"{clips} holds none of the {counted(len(labels), 'labelled moment')}")
    codes = infer_codes(world, torch.stack([frames for _, frames, _ in found]))
    return _count((int(codes[row, at]), key) for row, (key, _, at) in enumerate(found))


def count_recorded(world: World, clips: Path) -> Counts:
    """How often each code has each key of the action files beside the videos.

    Of a robot that is steered by numbers, the key is the number furthest from its mean, with the
    sign of that: "dx +".

    Raises:
        InputError: where there are no such files.
    """
    held = read_held_out(clips, LOOKED_AT, LENGTH, seed=0)
    keys = _recorded(held)
    if keys is None:
        raise InputError(
            f"there are no action files in {held.videos}: leave --actions out, and press the keys"
        )
    codes = infer_codes(world, held.video).flatten().tolist()
    return _count((code, key) for code, key in zip(codes, keys, strict=True) if key is not None)


def _recorded(held: HeldOut) -> list[str | None] | None:
    """The key of every transition of every clip; None where there are no action files."""
    if (pressed := pressed_keys(held)) is not None:
        keys, names = pressed
        return [None if key == UNKNOWN else names[key] for key in keys.flatten().tolist()]
    if (commanded := commands(held)) is None:
        return None
    rows, numbers = commanded[0].flatten(0, 1), commanded[1]
    known = rows[~rows.isnan().any(dim=1)]
    far = (rows - known.mean(dim=0)) / known.std(dim=0).clamp(min=1e-9)
    largest = far.nan_to_num().abs().argmax(dim=1)
    found: list[str | None] = []
    for row, number in zip(far, largest.tolist(), strict=True):
        value = row[number].item()
        rests = abs(value) < 1
        name = STILL[0] if rests else f"{numbers[number]} {'+' if value > 0 else '-'}"
        found.append(None if row.isnan().any() else name)
    return found


def _count(pairs: Iterable[tuple[int, str]]) -> Counts:
    counts: dict[int, Counter[str]] = {}
    for code, key in pairs:
        counts.setdefault(code, Counter())[key] += 1
    return counts


def with_keys(buttons: Sequence[Button], counts: Counts) -> tuple[Button, ...]:
    """The buttons, named after the commonest key of each.

    One whose moments agree on no key keeps its name. Of several with one name the one with the most
    labels has it, and the others are numbered.
    """
    every = sum(counts.values(), Counter[str]())
    best = {}
    for code, found in counts.items():
        key, count = found.most_common(1)[0]
        share = count / found.total()
        if share >= MOST or share >= OFTEN * every[key] / every.total():
            best[code] = key, count
    named = [
        _button(best[code][0]) if code in best else _unnumbered(button)
        for code, button in enumerate(buttons)
    ]
    order = sorted(range(len(named)), key=lambda code: -best.get(code, ("", 0))[1])
    seen: Counter[str] = Counter()
    for code in order:
        label = named[code].label
        seen[label] += 1
        if seen[label] > 1:
            named[code] = Button(f"{label} {seen[label]}", named[code].arrow)
    return tuple(named)


def _unnumbered(button: Button) -> Button:
    """A button without the number that tells it from others of its name."""
    return Button(re.sub(r"(?<=\D) \d+$", "", button.label), button.arrow)


def _button(key: str) -> Button:
    if key in STILL:
        return Button("stay", "•")
    words = re.split(r"[-+ ]", key)
    return Button(" ".join(words), ARROWS.get(frozenset(words), ""))


def _splits(clips: Path) -> Iterator[ClipDataset]:
    for split in SPLITS:
        with contextlib.suppress(InputError):  # it has no such split, or no scene as long
            yield ClipDataset(clips, split, LENGTH)


def _clip_around(
    splits: Sequence[ClipDataset], label: KeyLabel
) -> tuple[UInt8[Tensor, "T H W C"], int] | None:
    """The clip around a moment, and its position in it; None where no scene shows it."""
    for dataset in splits:
        for number, scene in enumerate(dataset.scenes):
            if scene.source != label.source or scene.num_frames < LENGTH:
                continue
            at = int(np.searchsorted(scene.times, label.time + CLOCK_SLACK, side="right")) - 1
            if 0 <= at < scene.num_frames - 1:
                start = min(max(0, at - BEFORE), scene.num_frames - LENGTH)
                return torch.from_numpy(dataset.read(ClipId(number, start))), at - start
    return None

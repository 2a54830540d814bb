"""Small pictures of what was kept and of what was left out, taken while the frames are at hand."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from playworld.data.ingest.cleaning import REASONS, Origin, Reason, Stretch
from playworld.data.ingest.selection import Parts
from playworld.images import CLEAR, image, tiled

KEPT, EXAMPLES, PER_FILE = 48, 6, 2
"""Kept scenes that are shown, examples per reason, and of these at most so many of one file."""
STRIP = 6
"""Frames of an example."""
WIDEST = 160
"""Pixels; larger frames are made smaller."""
GAP = 2
"""Pixels between the frames of an example, transparent."""
QUALITY = 82


@dataclass(frozen=True)
class Picture:
    """One frame, or several side by side."""

    data: bytes
    """WebP."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""

    @property
    def address(self) -> str:
        """The picture as an address that holds it."""
        return "data:image/webp;base64," + base64.b64encode(self.data).decode()


@dataclass(frozen=True)
class Example:
    """A stretch with its times and a picture."""

    source: str
    start: float
    """Seconds into the source."""
    end: float
    """Seconds into the source."""
    frames: int
    picture: Picture
    original: "Example | None" = None
    """What it is a copy of."""


@dataclass(frozen=True)
class Gathered:
    """All that the page shows besides figures."""

    kept: Sequence[Example]
    left_out: dict[Reason, list[Example]] = field(default_factory=dict)
    timelines: Sequence[tuple[str, Sequence[tuple[Reason | None, int]]]] = ()
    """Per file its name, and frame counts of its stretches in order, each with its fate."""


def gather(parts: Parts, chosen: list[list[Stretch]]) -> Gathered:
    """Choose examples and read their frames; memory holds the small pictures only."""
    stretches = [stretch for of_part in chosen for stretch in of_part]
    kept = [s for s in stretches if s.reason is None]
    spread = np.linspace(0, len(kept) - 1, min(KEPT, len(kept))).round().astype(int).tolist()
    left_out = {
        reason: [_example(parts, s, STRIP) for s in _longest(stretches, reason)]
        for reason in REASONS
    }
    timelines = [
        (part.source, [(s.reason, s.frames) for s in of_part])
        for part, of_part in zip(parts.parts, chosen, strict=True)
    ]
    return Gathered([_example(parts, kept[n], 1) for n in spread], left_out, timelines)


def _longest(stretches: list[Stretch], reason: Reason) -> list[Stretch]:
    """The longest that were left out for a reason, few of any one file, in their order."""
    found: list[Stretch] = []
    for stretch in sorted((s for s in stretches if s.reason == reason), key=lambda s: -s.frames):
        if sum(other.part == stretch.part for other in found) < PER_FILE:
            found.append(stretch)
        if len(found) == EXAMPLES:
            break
    return sorted(found, key=lambda s: (s.part, s.scene, s.start))


def _example(parts: Parts, stretch: Stretch, count: int) -> Example:
    times = parts.reader(stretch.part).scenes[stretch.scene].times
    edges = np.linspace(stretch.start, stretch.stop, count + 1)
    shown = ((edges[:-1] + edges[1:]) // 2).astype(int).tolist()
    original = None
    if stretch.origin is not None:
        original = _example(parts, _copied(parts, stretch, stretch.origin), count)
    return Example(
        parts.parts[stretch.part].source,
        float(times[stretch.start]),
        float(times[stretch.stop - 1]),
        stretch.frames,
        side_by_side([parts.frame(stretch, n) for n in shown]),
        original,
    )


def _copied(parts: Parts, stretch: Stretch, origin: Origin) -> Stretch:
    """The stretch that another one is a copy of."""
    available = parts.reader(origin.part).scenes[origin.scene].num_frames
    stop = min(available, origin.frame + stretch.frames)
    return Stretch(origin.part, origin.scene, origin.frame, stop)


def side_by_side(frames: Sequence[UInt8[np.ndarray, "H W 3"]]) -> Picture:
    """Frames in a row as one picture."""
    small = [image(frame) for frame in frames]
    for picture in small:
        picture.thumbnail((WIDEST, WIDEST), Image.Resampling.BOX)
    row = tiled(small, len(small), len(small), GAP, CLEAR)
    data = io.BytesIO()
    row.save(data, "WEBP", quality=QUALITY, method=4)
    return Picture(data.getvalue(), row.width, row.height)

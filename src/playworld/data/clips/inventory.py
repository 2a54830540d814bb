"""What a folder of clips holds: counts, sizes, lengths of scenes, and a sheet of pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64, UInt8
from PIL import Image, ImageDraw

from playworld.atomic import settle
from playworld.config import InputError
from playworld.data.clips.shards import DamagedChunk, ShardReader, read_json
from playworld.data.clips.split_names import SPLITS
from playworld.images import CELL, Font, enlargement, font, image
from playworld.words import counted

MOMENTS = 8
"""Frames of each scene on the sheet."""
GAP, MARGIN, TEXT = 4, 20, 14
"""Pixels between frames, around the sheet, and of the height of letters."""
PAPER, INK, MUTED, LOST = (19, 23, 21), (230, 235, 231), (150, 164, 157), (70, 30, 30)


@dataclass(frozen=True)
class Holding:
    """What one split holds."""

    videos: int
    lengths: Int64[np.ndarray, " scenes"]
    """Frames of each scene."""
    disk: int
    """Bytes of its files."""

    @property
    def frames(self) -> int:
        """Frames of all scenes."""
        return int(self.lengths.sum())


@dataclass(frozen=True)
class Inventory:
    """What a folder of clips holds."""

    folder: Path
    videos: str
    """The folder of videos, as far as it is known."""
    width: int
    height: int
    fps: float
    holdings: dict[str, Holding]
    """By split."""
    dropped: Mapping[str, Mapping[str, Any]] | None
    """Stretches, frames and seconds that were left out, by reason; None where not recorded."""
    used: int | None
    """Files of which something is kept, as far as it is known."""
    unused: int | None
    """Files of which nothing is."""
    warnings: Sequence[str]

    @property
    def lengths(self) -> Int64[np.ndarray, " scenes"]:
        """Frames of each scene of both splits."""
        return np.concatenate([holding.lengths for holding in self.holdings.values()])

    def clips(self, length: int) -> int:
        """How many clips of `length` frames there are, at every start of every scene."""
        return int(np.maximum(self.lengths - length + 1, 0).sum())


def take_inventory(folder: Path) -> Inventory:
    """Read what a folder of clips says about itself.

    Raises:
        InputError: where it is no folder of clips, or a damaged one.
    """
    dataset, readers = _open(folder)
    report = read_json(folder / "report.json") if (folder / "report.json").is_file() else {}
    first = readers["train"]
    ok, skipped = report.get("ok"), report.get("skipped")
    return Inventory(
        folder,
        str(dataset.get("videos", "")),
        first.width,
        first.height,
        first.fps,
        {name: _holding(folder / name, reader) for name, reader in readers.items()},
        _left_out(report.get("dropped"), first.fps),
        None if ok is None else len(ok),
        None if skipped is None else len(skipped),
        report.get("warnings", ()),
    )


def _open(folder: Path) -> tuple[dict[str, Any], dict[str, ShardReader]]:
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise InputError(f"CLIPS should be a folder that playworld ingest wrote; {folder} {what}")
    settle(folder)
    if not (folder / "dataset.json").is_file():
        raise InputError(f"{folder} holds no dataset.json; make clips with: playworld ingest")
    return read_json(folder / "dataset.json"), {name: ShardReader(folder / name) for name in SPLITS}


def _left_out(dropped: Any, fps: float) -> dict[str, Any] | None:
    """By reason, as `ingest` counts; what `curate apply` lists has one reason."""
    if not isinstance(dropped, list):
        return dropped
    frames = sum(entry["frames"] for entry in dropped)
    return {
        "filter": {"stretches": len(dropped), "frames": frames, "seconds": round(frames / fps, 3)}
    }


def _holding(folder: Path, reader: ShardReader) -> Holding:
    lengths = np.array([scene.num_frames for scene in reader.scenes], dtype=np.int64)
    disk = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    return Holding(len({scene.source for scene in reader.scenes}), lengths, disk)


def histogram(lengths: Int64[np.ndarray, " scenes"]) -> list[tuple[int, int, int]]:
    """Scenes by length as (fewest frames, most frames, scenes), each row twice the one before."""
    rows: list[tuple[int, int, int]] = []
    low = 1
    while low <= lengths.max(initial=0):
        count = int(((lengths >= low) & (lengths < 2 * low)).sum())
        if rows or count:
            rows.append((low, 2 * low - 1, count))
        low *= 2
    return rows


def damage(folder: Path) -> list[str]:
    """Compare all shards with their checksums: a line per problem, none if all is well.

    Raises:
        InputError: where it is no folder of clips.
    """
    return [problem for reader in _open(folder)[1].values() for problem in reader.verify()]


def contact_sheet(folder: Path, scenes: int) -> Image.Image:
    """Scenes spread evenly over all, one to a row, from their first frame to their last.

    Raises:
        InputError: where it is no folder of clips.
    """
    places = [
        (name, reader, scene)
        for name, reader in _open(folder)[1].items()
        for scene in range(len(reader.scenes))
    ]
    spread = np.linspace(0, len(places) - 1, min(scenes, len(places))).round().astype(int)
    rows = [places[number] for number in spread.tolist()]
    reader = places[0][1]
    width, height = _cell(reader.width, reader.height)
    line = TEXT + 6 + height + 14
    size = (MARGIN * 2 + MOMENTS * (width + GAP) - GAP, MARGIN * 2 + line * len(rows) - 14)
    sheet = Image.new("RGB", size, PAPER)
    draw, letters = ImageDraw.Draw(sheet), font(TEXT)
    for row, (name, reader, scene) in enumerate(rows):
        top, found = MARGIN + row * line, reader.scenes[scene]
        source = found.source.encode("ascii", "replace").decode()  # what the built-in font can draw
        about = f"{name}, {counted(found.num_frames, 'frame')} from {found.times[0]:.1f} s"
        room = size[0] - 2 * MARGIN - letters.getlength(about) - 24
        draw.text((MARGIN, top), _shortened(source, letters, room), fill=INK, font=letters)
        draw.text((size[0] - MARGIN, top), about, fill=MUTED, font=letters, anchor="ra")
        moments = np.linspace(0, found.num_frames - 1, min(MOMENTS, found.num_frames)).round()
        for column, moment in enumerate(moments.astype(int).tolist()):
            picture = _picture(reader, scene, moment).resize((width, height), _resampling(reader))
            sheet.paste(picture, (MARGIN + column * (width + GAP), top + TEXT + 6))
    return sheet


def _cell(width: int, height: int) -> tuple[int, int]:
    """Size of a frame on the sheet: enlarged by a whole factor, or reduced."""
    scale = enlargement(width) if width <= CELL else CELL / width
    return round(width * scale), max(1, round(height * scale))


def _resampling(reader: ShardReader) -> Image.Resampling:
    return Image.Resampling.NEAREST if reader.width <= CELL else Image.Resampling.BOX


def _shortened(text: str, letters: Font, room: float) -> str:
    """The end of a name that fits."""
    while len(text) > 4 and letters.getlength(text) > room:
        text = "..." + text[4:]
    return text


def _picture(reader: ShardReader, scene: int, frame: int) -> Image.Image:
    try:
        pixels: UInt8[np.ndarray, "H W 3"] = reader.read(scene, frame, 1)[0]
    except DamagedChunk:
        return Image.new("RGB", (reader.width, reader.height), LOST)
    return image(pixels)

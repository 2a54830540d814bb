"""What `index.json` says, read strictly: a folder of clips may come from a stranger."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from playworld.atomic import named, synced
from playworld.config import InputError

FORMAT = 1
CHUNK_FRAMES = 16
INDEX_FILE = "index.json"


@dataclass(frozen=True, eq=False)
class Scene:
    """An unbroken run of frames from one video."""

    source: str
    """Path of the video, relative to the folder that was ingested, with forward slashes."""
    times: Float64[np.ndarray, " frames"]
    """When each frame was shown in the source, in seconds since the video's first frame."""

    @property
    def num_frames(self) -> int:
        """Frames in the scene."""
        return len(self.times)


@dataclass(frozen=True, eq=False)
class Place:
    """Where a scene's chunks lie: chunk i is `offsets[i]:offsets[i + 1]` of the shard."""

    shard: int
    offsets: Int64[np.ndarray, " chunks_and_one"]
    crc32: Int64[np.ndarray, " chunks"]


@dataclass(frozen=True)
class Shard:
    """One file of chunks."""

    name: str
    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True)
class Index:
    """All that is known of a folder of shards but the pixels."""

    height: int
    width: int
    fps: float
    shards: tuple[Shard, ...]
    scenes: tuple[Scene, ...]
    places: tuple[Place, ...]
    """Of each scene."""


def read_index(folder: Path) -> Index:
    """The index of a folder of shards.

    Raises:
        InputError: where it is missing, damaged or makes no sense.
    """
    path = folder / INDEX_FILE
    data = read_json(path)
    try:
        return _checked(data)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(
            f"{path} is damaged or of another format ({type(error).__name__}: {error}); "
            f"ingest the videos again"
        ) from error


def _checked(index: Mapping[str, Any]) -> Index:
    if index["format"] != FORMAT or index["chunk"] != CHUNK_FRAMES:
        raise ValueError(f"expected format {FORMAT} with chunks of {CHUNK_FRAMES} frames")
    height, width = int(index["height"]), int(index["width"])
    if not (1 <= height <= 2**14 and 1 <= width <= 2**14):
        raise ValueError(f"frames of {width}x{height}")
    shards = [Shard(str(s["name"]), int(s["bytes"]), str(s["sha256"])) for s in index["shards"]]
    for shard in shards:
        if Path(shard.name).name != shard.name:
            raise ValueError(f"shard name {shard.name!r} leads out of the folder")
    scenes, places = [], []
    for entry in index["scenes"]:
        times = np.array(entry["times"], dtype=np.float64)
        if times.ndim != 1 or not np.isfinite(times).all() or (np.diff(times) < 0).any():
            raise ValueError(f"the times of {entry['source']!r} do not rise")
        scenes.append(Scene(str(entry["source"]), times))
        places.append(_place(entry, len(times), shards))
    return Index(height, width, float(index["fps"]), tuple(shards), tuple(scenes), tuple(places))


def _place(entry: Mapping[str, Any], num_frames: int, shards: list[Shard]) -> Place:
    sizes = np.array(entry["sizes"], dtype=np.int64)
    crc32 = np.array(entry["crc32"], dtype=np.int64)
    shard, offset = int(entry["shard"]), int(entry["offset"])
    expected = -(-num_frames // CHUNK_FRAMES)
    if not len(sizes) == len(crc32) == expected or num_frames == 0:
        raise ValueError(f"{num_frames} frames in {len(sizes)} chunks")
    offsets = offset + np.concatenate([[0], np.cumsum(sizes)])
    inside = 0 <= shard < len(shards) and offsets[-1] <= shards[shard].size
    if offset < 0 or (sizes <= 0).any() or not inside:
        raise ValueError(f"a scene of {entry['source']!r} lies outside its shard")
    return Place(shard, offsets, crc32)


def sha256_of(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write compact JSON and flush it to the disk."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    with named(path, len(text)), open(path, "x", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        synced(file.fileno())


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InputError: where there is no such file or it holds something else.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; make clips with: playworld ingest") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read as JSON ({error})") from error
    if not isinstance(data, dict):
        raise InputError(f"{path} should hold a JSON object, got {type(data).__name__}")
    return data

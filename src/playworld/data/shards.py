"""The clip format: whole scenes as zstd chunks of 16 frames, with an index and checksums.

A folder holds `shard-00000.bin`, ... and `index.json`. A scene is an unbroken run of frames from
one video; it lies in one shard as consecutive chunks, each the zstd frame of up to 16 raw uint8
frames. Sixteen is only the unit of compression: any run of frames inside a scene can be read. The
index is written last, so a folder without it was never finished.
"""

import hashlib
import json
import mmap
import os
import threading
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from jaxtyping import Float64, UInt8

from playworld.config import InputError

FORMAT = 1
CHUNK_FRAMES = 16
SHARD_BYTES = 256 * 2**20
COMPRESSION_LEVEL = 3


class DamagedChunk(ValueError):
    """A chunk whose bytes are not the ones that were written; `chunk` says which."""

    def __init__(self, message: str, chunk: tuple[int, int]) -> None:
        super().__init__(message)
        self.chunk = chunk
        """(scene, chunk within the scene)."""


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
class _Place:
    """Where a scene's chunks lie: chunk i is `offsets[i]:offsets[i + 1]` of the shard."""

    shard: int
    offsets: np.ndarray
    crc32: np.ndarray


class ShardWriter:
    """Writes scenes one after another; memory holds one chunk, whatever the length of a scene.

    Use `write` for a scene at hand, or `begin`, `append`, ... and `end` or `discard` for a stream.
    Nothing can be read before `close`, which writes the index.
    """

    def __init__(self, folder: Path, height: int, width: int, fps: float) -> None:
        self.folder, self.height, self.width, self.fps = Path(folder), height, width, fps
        self.folder.mkdir(parents=True, exist_ok=True)
        self._scenes: list[dict[str, Any]] = []
        self._shards: list[dict[str, Any]] = []
        self._file: Any = None
        self._scene: dict[str, Any] | None = None
        # Frames are copied in, so that a caller may use one buffer for all of them.
        self._chunk = np.empty((CHUNK_FRAMES, height, width, 3), dtype=np.uint8)
        self._filled = 0
        self._compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL)

    def write(
        self, frames: Iterable[UInt8[np.ndarray, "H W 3"]], source: str, times: Sequence[float]
    ) -> None:
        """Add one scene; where `frames` raises, the scene is taken back."""
        self.begin(source)
        try:
            for time, frame in zip(times, frames, strict=True):
                self.append(float(time), frame)
        except BaseException:
            self.discard()
            raise
        self.end()

    def begin(self, source: str) -> None:
        """Open a scene. A shard is full once it has passed 256 MiB, so no scene is split."""
        assert self._scene is None, "the scene before was neither ended nor discarded"
        if self._file is not None and self._file.tell() >= SHARD_BYTES:
            self._finish_shard()
        if self._file is None:
            self._file = open(self.folder / f"shard-{len(self._shards):05d}.bin", "xb")
        shard, offset = len(self._shards), self._file.tell()
        self._scene = {"source": source, "shard": shard, "offset": offset}
        self._scene.update(times=[], sizes=[], crc32=[])

    def append(self, time: float, frame: UInt8[np.ndarray, "H W 3"]) -> None:
        """Add a frame that was shown `time` seconds after the source's first."""
        assert self._scene is not None, "append comes after begin"
        if frame.shape != (self.height, self.width, 3) or frame.dtype != np.uint8:
            raise ValueError(
                f"frames of this folder are uint8 {(self.height, self.width, 3)}, "
                f"got {frame.dtype} {frame.shape}"
            )
        self._chunk[self._filled] = frame
        self._filled += 1
        self._scene["times"].append(time)
        if self._filled == CHUNK_FRAMES:
            self._flush()

    @property
    def scene_frames(self) -> int:
        """Frames in the open scene so far."""
        return len(self._scene["times"]) if self._scene else 0

    def end(self) -> None:
        """Close the scene and keep it; an empty one leaves no trace."""
        assert self._scene is not None, "end comes after begin"
        if self._filled:
            self._flush()
        if self._scene["times"]:
            self._scenes.append(self._scene)
        self._scene = None

    def discard(self) -> None:
        """Take the open scene back, together with its bytes."""
        assert self._scene is not None, "discard comes after begin"
        self._filled = 0
        self._file.seek(self._scene["offset"])
        self._file.truncate()
        self._scene = None

    def copy(self, reader: "ShardReader", scene: int) -> None:
        """Add a scene of another folder as it is, without compressing it again."""
        self.begin(reader.scenes[scene].source)
        assert self._scene is not None
        self._scene["times"] = reader.scenes[scene].times.tolist()
        for chunk in range(reader.num_chunks(scene)):
            self._store(reader.chunk_bytes(scene, chunk))
        self.end()

    def close(self) -> None:
        """Flush everything to the disk and write the index."""
        assert self._scene is None, "a scene is still open"
        if self._file is not None:
            self._finish_shard()
        index = {
            "format": FORMAT,
            "height": self.height,
            "width": self.width,
            "fps": self.fps,
            "chunk": CHUNK_FRAMES,
            "shards": self._shards,
            "scenes": self._scenes,
        }
        write_json(self.folder / "index.json", index)

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close if all went well; else leave the folder without an index, unreadable."""
        if kind is None:
            self.close()
        elif self._file is not None:
            self._file.close()

    def _flush(self) -> None:
        self._store(self._compressor.compress(self._chunk[: self._filled].tobytes()))
        self._filled = 0

    def _store(self, data: bytes) -> None:
        assert self._scene is not None
        self._file.write(data)
        self._scene["sizes"].append(len(data))
        self._scene["crc32"].append(zlib.crc32(data))

    def _finish_shard(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        path = Path(self._file.name)
        entry = {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
        self._shards.append(entry)
        self._file = None


class ShardReader:
    """Reads any run of frames of any scene; safe to use from several threads.

    Raises:
        InputError: where the folder is missing, unfinished or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        index = read_json(self.folder / "index.json")
        try:
            self._read_index(index)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(
                f"{self.folder / 'index.json'} is damaged or of another format "
                f"({type(error).__name__}: {error}); ingest the videos again"
            ) from error
        for name, size, _ in self._shards:
            found = (self.folder / name).stat().st_size if (self.folder / name).is_file() else None
            if found != size:
                raise InputError(
                    f"{self.folder / name} should have {size} bytes, found "
                    f"{'no file' if found is None else found}; ingest the videos again"
                )
        self._maps: dict[int, mmap.mmap] = {}
        self._lock = threading.Lock()

    def _read_index(self, index: dict[str, Any]) -> None:
        if index["format"] != FORMAT or index["chunk"] != CHUNK_FRAMES:
            raise ValueError(f"expected format {FORMAT} with chunks of {CHUNK_FRAMES} frames")
        self.height, self.width = int(index["height"]), int(index["width"])
        if not (1 <= self.height <= 2**14 and 1 <= self.width <= 2**14):
            raise ValueError(f"frames of {self.width}x{self.height}")
        self.fps = float(index["fps"])
        shards = index["shards"]
        self._shards = [(str(s["name"]), int(s["bytes"]), str(s["sha256"])) for s in shards]
        for name, _, _ in self._shards:
            if Path(name).name != name:
                raise ValueError(f"shard name {name!r} leads out of the folder")
        scenes, places = [], []
        for entry in index["scenes"]:
            times = np.array(entry["times"], dtype=np.float64)
            if times.ndim != 1 or not np.isfinite(times).all() or (np.diff(times) < 0).any():
                raise ValueError(f"the times of {entry['source']!r} do not rise")
            scenes.append(Scene(str(entry["source"]), times))
            places.append(self._read_place(entry, scenes[-1].num_frames))
        self.scenes: tuple[Scene, ...] = tuple(scenes)
        self._places = places

    def _read_place(self, entry: dict[str, Any], num_frames: int) -> _Place:
        sizes = np.array(entry["sizes"], dtype=np.int64)
        crc32 = np.array(entry["crc32"], dtype=np.int64)
        shard, offset = int(entry["shard"]), int(entry["offset"])
        expected = -(-num_frames // CHUNK_FRAMES)
        if not len(sizes) == len(crc32) == expected or num_frames == 0:
            raise ValueError(f"{num_frames} frames in {len(sizes)} chunks")
        offsets = offset + np.concatenate([[0], np.cumsum(sizes)])
        inside = 0 <= shard < len(self._shards) and offsets[-1] <= self._shards[shard][1]
        if offset < 0 or (sizes <= 0).any() or not inside:
            raise ValueError(f"a scene of {entry['source']!r} lies outside its shard")
        return _Place(shard, offsets, crc32)

    def num_chunks(self, scene: int) -> int:
        """Chunks that hold the scene."""
        return len(self._places[scene].crc32)

    def read(self, scene: int, start: int, length: int) -> UInt8[np.ndarray, "T H W 3"]:
        """Frames `start` to `start + length` of a scene; only the chunks needed are decompressed.

        Raises:
            IndexError: where the scene does not have these frames.
            DamagedChunk: where the bytes are not the ones that were written.
        """
        num_frames = self.scenes[scene].num_frames
        if not (0 <= start and 1 <= length and start + length <= num_frames):
            raise IndexError(f"frames {start}..{start + length} of a scene of {num_frames}")
        first, last = start // CHUNK_FRAMES, (start + length - 1) // CHUNK_FRAMES
        clip = np.empty((length, self.height, self.width, 3), dtype=np.uint8)
        done = 0
        for chunk in range(first, last + 1):
            frames = self._decompress(scene, chunk)
            skip = start - chunk * CHUNK_FRAMES if chunk == first else 0
            part = frames[skip : skip + length - done]
            clip[done : done + len(part)] = part
            done += len(part)
        return clip

    def chunk_bytes(self, scene: int, chunk: int) -> bytes:
        """A chunk as it was stored, checked.

        Raises:
            DamagedChunk: where the bytes are not the ones that were written.
        """
        place = self._places[scene]
        begin, end = int(place.offsets[chunk]), int(place.offsets[chunk + 1])
        data = self._map(place.shard)[begin:end]
        if zlib.crc32(data) != place.crc32[chunk]:
            name, source = self._shards[place.shard][0], self.scenes[scene].source
            raise DamagedChunk(
                f"{self.folder / name} is damaged at byte {begin} (video {source})", (scene, chunk)
            )
        return data

    def _decompress(self, scene: int, chunk: int) -> np.ndarray:
        count = min(CHUNK_FRAMES, self.scenes[scene].num_frames - chunk * CHUNK_FRAMES)
        shape = (count, self.height, self.width, 3)
        size = int(np.prod(shape))
        data = self.chunk_bytes(scene, chunk)
        # A decompressor is not safe to share between threads; a new one costs 10 us, a chunk 250.
        try:
            raw = zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
        except zstandard.ZstdError as error:
            raise DamagedChunk(f"{self.folder}: {error}", (scene, chunk)) from error
        if len(raw) != size:
            raise DamagedChunk(
                f"{self.folder}: a chunk holds {len(raw)} bytes, not {size}", (scene, chunk)
            )
        return np.frombuffer(raw, dtype=np.uint8).reshape(shape)

    def _map(self, shard: int) -> mmap.mmap:
        with self._lock:
            if shard not in self._maps:
                with open(self.folder / self._shards[shard][0], "rb") as file:
                    self._maps[shard] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return self._maps[shard]

    def verify(self) -> list[str]:
        """Compare every shard with its sha256: one line per problem, none if all is well."""
        problems = []
        for name, size, sha256 in self._shards:
            path = self.folder / name
            if not path.is_file():
                problems.append(f"{path} is missing")
            elif path.stat().st_size != size or sha256_of(path) != sha256:
                problems.append(f"{path} is not the file that was written")
        return problems


def sha256_of(path: Path) -> str:
    """The file's sha256 in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write compact JSON and flush it to the disk."""
    with open(path, "x", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


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

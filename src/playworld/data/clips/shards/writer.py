"""Writing shards: one scene after another, the index last."""

import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from jaxtyping import UInt8

from playworld.atomic import named, synced
from playworld.data.clips.shards.layout import (
    CHUNK_FRAMES,
    FORMAT,
    INDEX_FILE,
    sha256_of,
    write_json,
)
from playworld.data.clips.shards.reader import ShardReader

SHARD_BYTES = 256 * 2**20
COMPRESSION_LEVEL = 3


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

    def copy(self, reader: ShardReader, scene: int, chunks: range | None = None) -> None:
        """Add a scene of another folder, or a run of its chunks, without compressing it again."""
        chunks = chunks or range(reader.num_chunks(scene))
        assert chunks.step == 1, "frames that do not follow each other are no scene"
        self.begin(reader.scenes[scene].source)
        assert self._scene is not None
        times = reader.scenes[scene].times
        kept = times[chunks.start * CHUNK_FRAMES : chunks.stop * CHUNK_FRAMES]
        self._scene["times"] = kept.tolist()
        for chunk in chunks:
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
        write_json(self.folder / INDEX_FILE, index)

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close if all went well; else leave the folder without an index, unreadable."""
        if kind is None:
            self.close()
        elif self._file is not None:
            with suppress(OSError):  # of a full disk, which was reported
                self._file.close()

    def _flush(self) -> None:
        self._store(self._compressor.compress(self._chunk[: self._filled].tobytes()))
        self._filled = 0

    def _store(self, data: bytes) -> None:
        assert self._scene is not None
        with named(Path(self._file.name), len(data)):
            self._file.write(data)
        self._scene["sizes"].append(len(data))
        self._scene["crc32"].append(zlib.crc32(data))

    def _finish_shard(self) -> None:
        path = Path(self._file.name)
        with named(path, self._file.tell()):
            self._file.flush()
            synced(self._file.fileno())
            self._file.close()
        entry = {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
        self._shards.append(entry)
        self._file = None

"""Reading shards: any run of frames of any scene, checked."""

import threading
import zlib
from pathlib import Path

import numpy as np
import zstandard
from jaxtyping import UInt8

from playworld.data.clips.shards.layout import CHUNK_FRAMES, Scene, read_index
from playworld.data.clips.shards.storage import storage_of


class DamagedChunk(ValueError):
    """A chunk whose bytes are not the ones that were written; `chunk` says which."""

    def __init__(self, message: str, chunk: tuple[int, int]) -> None:
        super().__init__(message)
        self.chunk = chunk
        """(scene, chunk within the scene)."""


class _OfThread(threading.local):
    """What threads cannot share, kept so that no chunk has to wait for fresh memory."""

    def __init__(self, height: int, width: int) -> None:
        self.decompressor = zstandard.ZstdDecompressor()
        self.frames = np.empty((CHUNK_FRAMES, height, width, 3), dtype=np.uint8)


class ShardReader:
    """Reads any run of frames of any scene; safe to use from several threads.

    Raises:
        InputError: where the folder is missing, unfinished or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._index = index = read_index(self.folder)
        self.height, self.width, self.fps = index.height, index.width, index.fps
        self.scenes: tuple[Scene, ...] = index.scenes
        self._storage = storage_of(self.folder, index.shards)
        self._thread = _OfThread(self.height, self.width)

    @property
    def threads(self) -> int:
        """How many threads should read at the same time: more where the shards are far away."""
        return self._storage.threads

    def num_chunks(self, scene: int) -> int:
        """Chunks that hold the scene."""
        return len(self._index.places[scene].crc32)

    def read(self, scene: int, start: int, length: int) -> UInt8[np.ndarray, "T H W 3"]:
        """Frames `start` to `start + length` of a scene; only the chunks needed are decompressed.

        Raises:
            IndexError: where the scene does not have these frames.
            DamagedChunk: where the bytes are not the ones that were written.
            OSError: where the storage that holds them does not answer.
        """
        clip = np.empty((length, self.height, self.width, 3), dtype=np.uint8)
        self.read_into(clip, scene, start)
        return clip

    def read_into(self, clip: UInt8[np.ndarray, "T H W 3"], scene: int, start: int) -> None:
        """Fill `clip` with the frames of a scene from `start` on; see `read`."""
        length, num_frames = len(clip), self.scenes[scene].num_frames
        if not (0 <= start and 1 <= length and start + length <= num_frames):
            raise IndexError(f"frames {start}..{start + length} of a scene of {num_frames}")
        first, last = start // CHUNK_FRAMES, (start + length - 1) // CHUNK_FRAMES
        done = 0
        for chunk, data in enumerate(self._checked(scene, first, last), start=first):
            skip = start - chunk * CHUNK_FRAMES if chunk == first else 0
            part = self._decompress(data, scene, chunk)[skip : skip + length - done]
            clip[done : done + len(part)] = part
            done += len(part)

    def chunk_bytes(self, scene: int, chunk: int) -> bytes:
        """A chunk as it was stored, checked.

        Raises:
            DamagedChunk: where the bytes are not the ones that were written.
        """
        return self._checked(scene, chunk, chunk)[0]

    def _checked(self, scene: int, first: int, last: int) -> list[bytes]:
        """The bytes of chunks `first` to `last`, each compared with its checksum."""
        place = self._index.places[scene]
        chunks = self._storage.chunks(place, first, last)
        for chunk, data in enumerate(chunks, start=first):
            if zlib.crc32(data) != place.crc32[chunk]:
                path = self.folder / self._index.shards[place.shard].name
                raise DamagedChunk(
                    f"{path} is damaged at byte {place.offsets[chunk]} "
                    f"(video {self.scenes[scene].source})",
                    (scene, chunk),
                )
        return chunks

    def _decompress(self, data: bytes, scene: int, chunk: int) -> UInt8[np.ndarray, "t H W 3"]:
        """The frames of a chunk, which stay until this thread decompresses another one."""
        count = min(CHUNK_FRAMES, self.scenes[scene].num_frames - chunk * CHUNK_FRAMES)
        frames = self._thread.frames[:count]
        try:
            with self._thread.decompressor.stream_reader(data) as raw:
                size = raw.readinto(frames.data.cast("B")) + len(raw.read(1))
        except zstandard.ZstdError as error:
            raise DamagedChunk(f"{self.folder}: {error}", (scene, chunk)) from error
        if size != frames.nbytes:
            raise DamagedChunk(
                f"{self.folder}: a chunk does not hold {frames.nbytes} bytes", (scene, chunk)
            )
        return frames

    def verify(self) -> list[str]:
        """Compare every shard with its sha256: one line per problem, none if all is well."""
        problems = []
        for shard in self._index.shards:
            try:
                if self._storage.sha256(shard.name) != shard.sha256:
                    problems.append(f"{self.folder / shard.name} is not the file that was written")
            except FileNotFoundError:
                problems.append(f"{self.folder / shard.name} is missing")
        return problems

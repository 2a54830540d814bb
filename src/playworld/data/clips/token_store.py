"""Token store: every frame of a split as uint16 tokens, in shards that are mapped into memory.

A shard holds the tokens of some consecutive scenes, frame after frame, then a CRC-32 for each 16
frames. Which scenes share a shard follows from their lengths alone, and a shard appears whole or
not at all: so any number of processes can write them, and a run that was cut off goes on with those
that are missing. The index comes last.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from jaxtyping import Int64, Integer

from playworld.atomic import whole_file, write_whole
from playworld.config import InputError
from playworld.data.clips.shards import CHUNK_FRAMES, read_json
from playworld.data.clips.shards.storage import Maps

FORMAT = 2
SHARDS, LEAST_FRAMES, MOST_FRAMES = 64, 2_048, 65_536
"""About so many shards, so that many processes have work, of no fewer and no more frames."""


@dataclass(frozen=True)
class TokenShard:
    """Scenes whose tokens share a file."""

    name: str
    scenes: range
    frames: int

    def size(self, num_tokens: int) -> int:
        """Bytes of the file."""
        return 2 * self.frames * num_tokens + 4 * -(-self.frames // CHUNK_FRAMES)


@dataclass(frozen=True)
class TokenLayout:
    """What a token cache holds, and whose tokens they are."""

    tokenizer_sha256: str
    """Of the weights and the config that made the tokens."""
    clips_sha256: str
    """Of the index of the split."""
    num_tokens: int
    """Per frame, N."""
    scene_frames: tuple[int, ...]

    @property
    def name(self) -> str:
        """For the folder: another one for other clips or another tokenizer."""
        text = f"{FORMAT} {self.tokenizer_sha256} {self.clips_sha256}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def shards(self) -> list[TokenShard]:
        """All shards, in the order of their scenes."""
        wanted = min(max(sum(self.scene_frames) // SHARDS, LEAST_FRAMES), MOST_FRAMES)
        found: list[TokenShard] = []
        first = frames = 0
        for scene, count in enumerate(self.scene_frames):
            frames += count
            if frames >= wanted or scene == len(self.scene_frames) - 1:
                name = f"tokens-{len(found):05d}.u16"
                found.append(TokenShard(name, range(first, scene + 1), frames))
                first, frames = scene + 1, 0
        return found

    def missing(self, folder: Path) -> list[TokenShard]:
        """The shards that have yet to be written."""
        return [shard for shard in self.shards() if not (folder / shard.name).is_file()]

    def write_index(self, folder: Path) -> None:
        """Say that all shards are there."""
        write_whole(folder / "index.json", json.dumps({"format": FORMAT} | vars(self)))


def write_shard(
    folder: Path, shard: TokenShard, pieces: Iterable[Integer[np.ndarray, "frames N"]]
) -> None:
    """Write the tokens of a shard's scenes, in pieces of any length; memory holds one of them."""
    rest = iter(pieces)
    first = next(rest)
    with whole_file(folder / shard.name, shard.size(first.shape[1])) as out:
        for piece in chain([first], rest):
            out.write(piece.astype("<u2").tobytes())
        size = out.tell() // shard.frames * CHUNK_FRAMES
        assert out.tell() % shard.frames == 0, "a frame is missing"
        out.seek(0)
        chunks = iter(lambda: out.read(size), b"")
        sums = [zlib.crc32(chunk) for chunk in chunks]
        out.write(np.array(sums, dtype="<u4").tobytes())


class TokenStore:
    """Tokens of one split, read by the same (scene, start) as the clips they were made from.

    Raises:
        InputError: where the cache is not complete, or another tokenizer's.
    """

    def __init__(self, folder: Path, tokenizer_sha256: str) -> None:
        self.folder = folder
        self._layout = layout = _read_layout(folder)
        if layout.tokenizer_sha256 != tokenizer_sha256:
            raise InputError(
                f"{folder} holds the tokens of another tokenizer "
                f"({layout.tokenizer_sha256[:12]}, not {tokenizer_sha256[:12]})"
            )
        self._shards = layout.shards()
        for shard in self._shards:
            path, size = folder / shard.name, shard.size(layout.num_tokens)
            if not path.is_file() or path.stat().st_size != size:
                raise InputError(f"{path} is not whole; remove it and train again")
        self._firsts = [shard.scenes.start for shard in self._shards]
        self._starts = np.concatenate([_starts(layout.scene_frames, s) for s in self._shards])
        self._maps = Maps(folder)

    def read(self, scene: int, start: int, length: int) -> Int64[np.ndarray, "T N"]:
        """Tokens of `length` frames of a scene.

        Raises:
            IndexError: where the scene does not have these frames.
            InputError: where the file was damaged since it was written.
        """
        if not 0 <= start <= start + length <= self._layout.scene_frames[scene]:
            raise IndexError(f"scene {scene} has no {length} frames from {start} on")
        shard = self._shards[int(np.searchsorted(self._firsts, scene, side="right")) - 1]
        first = int(self._starts[scene]) + start
        a, b = first // CHUNK_FRAMES, -(-(first + length) // CHUNK_FRAMES)
        tokens = np.frombuffer(self._chunks(shard, a, b), dtype="<u2")
        skip = first - a * CHUNK_FRAMES
        rows = tokens.reshape(-1, self._layout.num_tokens)[skip : skip + length]
        return rows.astype(np.int64)

    def _chunks(self, shard: TokenShard, first: int, last: int) -> bytes:
        """Chunks `first` to `last`, the last excluded, each compared with its checksum."""
        row = 2 * self._layout.num_tokens
        size, end, file = CHUNK_FRAMES * row, shard.frames * row, self._maps[shard.name]
        data = file[first * size : min(last * size, end)]
        sums = np.frombuffer(file[end + 4 * first : end + 4 * last], dtype="<u4").tolist()
        for i, crc in enumerate(sums):
            if zlib.crc32(data[i * size : (i + 1) * size]) != crc:
                path = self.folder / shard.name
                raise InputError(f"{path} is damaged; remove it and train again: only it is redone")
        return data


def _read_layout(folder: Path) -> TokenLayout:
    if not (folder / "index.json").is_file():
        raise InputError(f"{folder} holds no token cache (index.json is missing); train again")
    data = read_json(folder / "index.json")
    try:
        if data.pop("format") != FORMAT:
            raise ValueError(f"expected format {FORMAT}")
        return TokenLayout(**data | {"scene_frames": tuple(data["scene_frames"])})
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder} is no token cache of this version: {error}") from error


def _starts(scene_frames: Sequence[int], shard: TokenShard) -> Int64[np.ndarray, " scenes"]:
    """Where each scene of a shard begins in it, in frames."""
    counts = np.array([scene_frames[scene] for scene in shard.scenes], dtype=np.int64)
    return np.cumsum(counts) - counts

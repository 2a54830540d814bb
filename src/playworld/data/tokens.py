"""Token cache: every frame of a clip set as uint16 tokens, memory-mapped."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from playworld.config import InputError


class TokenStore:
    """Tokens of one split, read by the same (scene, start) as the clips they were made from."""

    def __init__(self, folder: Path):
        index = folder / "index.json"
        if not index.is_file():
            raise InputError(f"{folder} holds no token cache (index.json is missing); train again")
        meta = json.loads(index.read_text())
        self.tokenizer_sha256: str = meta["tokenizer_sha256"]
        frames = sum(meta["scene_frames"])
        self._starts = np.concatenate([[0], np.cumsum(meta["scene_frames"])])
        path = folder / "tokens.u16"
        if path.stat().st_size != frames * meta["num_tokens"] * 2:
            raise InputError(f"{path} is incomplete; remove {folder} and train again")
        self._tokens = np.memmap(path, dtype="<u2", mode="r", shape=(frames, meta["num_tokens"]))

    def read(self, scene: int, start: int, length: int) -> np.ndarray:
        """Tokens of `length` frames of a scene, int64, shape (length, N)."""
        first = int(self._starts[scene]) + start
        if first + length > self._starts[scene + 1]:
            raise IndexError(f"scene {scene} has no {length} frames from {start} on")
        return self._tokens[first : first + length].astype(np.int64)


def write_tokens(
    folder: Path, scenes: Iterable[Iterable[np.ndarray]], tokenizer_sha256: str
) -> None:
    """Write a split's tokens; the index comes last, so an interrupted cache is seen as missing.

    Args:
        folder: where the cache goes.
        scenes: per scene the tokens of its frames in pieces of shape (frames, N).
        tokenizer_sha256: whose tokens these are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.json").unlink(missing_ok=True)
    scene_frames, num_tokens = [], 0
    with (folder / "tokens.u16").open("wb") as out:
        for pieces in scenes:
            count = 0
            for piece in pieces:
                out.write(piece.astype("<u2").tobytes())
                count, num_tokens = count + len(piece), piece.shape[1]
            scene_frames.append(count)
        out.flush()
        os.fsync(out.fileno())
    meta = {
        "num_tokens": num_tokens,
        "scene_frames": scene_frames,
        "tokenizer_sha256": tokenizer_sha256,
    }
    part = folder / "index.json.part"
    part.write_text(json.dumps(meta))
    os.replace(part, folder / "index.json")

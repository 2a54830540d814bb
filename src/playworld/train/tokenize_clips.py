"""Tokenize every frame of a split once per tokenizer, by all processes together, into a store.

The files are those of `playworld.data.clips.token_store`.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int64, UInt8

from playworld.config import to_dict
from playworld.data.clips.dataset import ClipDataset
from playworld.data.clips.shards import CHUNK_FRAMES, DamagedChunk
from playworld.data.clips.token_store import TokenLayout, TokenShard, TokenStore, write_shard
from playworld.manifest import params_sha256
from playworld.models.base import Tokenizer
from playworld.models.pixels import to_float
from playworld.progress import Progress, silent
from playworld.train.distributed import any_rank, first_rank_does, rank, ranks

FRAMES_AT_ONCE = 64


def tokenize_clips(
    dataset: ClipDataset,
    tokenizer: Tokenizer,
    folder: Path,
    device: torch.device,
    progress: Progress = silent,
) -> TokenStore:
    """Tokens of every frame of the split, in a folder of `folder` that is bound to the tokenizer.

    Every process of a group calls this and makes its share of the shards that are missing; what an
    earlier call has finished, in whatever number of processes, is kept.

    Raises:
        OSError: where a shard cannot be written.
    """
    frames = tuple(scene.num_frames for scene in dataset.scenes)
    maker, count = _tokenizer_sha256(tokenizer), tokenizer.config.num_tokens
    layout = TokenLayout(maker, dataset.sha256, count, frames)
    folder = folder / layout.name
    # Read once, before any process writes: all must divide the same list.
    missing: list[TokenShard] = first_rank_does(lambda: _begin(layout, folder))
    own = missing[rank() :: ranks()]
    done, total = 0, sum(shard.frames for shard in own)

    def count_frames(frames: int) -> None:
        nonlocal done
        done += frames
        progress(done, total, "tokenizing")

    failed: OSError | None = None
    try:
        for shard in own:
            scenes = (
                scene_tokens(dataset, i, tokenizer, device, count_frames) for i in shard.scenes
            )
            write_shard(folder, shard, chain.from_iterable(scenes))
    except OSError as error:
        failed = error
    if any_rank(failed is not None):
        raise failed or OSError(f"another process could not write its part of {folder}")
    if missing:
        first_rank_does(lambda: layout.write_index(folder))
    return TokenStore(folder, maker)


def _tokenizer_sha256(tokenizer: Tokenizer) -> str:
    """One hash of all that tokens depend on: the weights, and what the config says beside them."""
    config = json.dumps(to_dict(tokenizer.config), sort_keys=True)
    return hashlib.sha256(f"{config} {params_sha256(tokenizer.state_dict())}".encode()).hexdigest()


def _begin(layout: TokenLayout, folder: Path) -> list[TokenShard]:
    folder.mkdir(parents=True, exist_ok=True)
    if missing := layout.missing(folder):
        (folder / "index.json").unlink(missing_ok=True)
        return missing
    layout.write_index(folder)  # the last call was cut off right before it
    return missing


@torch.inference_mode()
def scene_tokens(
    dataset: ClipDataset,
    scene: int,
    tokenizer: Tokenizer,
    device: torch.device,
    progress: Callable[[int], None],
) -> Iterator[Int64[np.ndarray, "frames N"]]:
    """Tokens of a scene in pieces; an encoder that looks back sees a window before each."""
    context = tokenizer.config.lookback
    assert context is not None, "tokens that depend on where a clip begins are made with it"
    total = dataset.scenes[scene].num_frames
    for first in range(0, total, FRAMES_AT_ONCE):
        last, begin = min(first + FRAMES_AT_ONCE, total), max(0, first - context)
        frames = torch.from_numpy(_read(dataset, scene, begin, last))[None]
        tokens = tokenizer.encode_pairs(to_float(frames.to(device)))[0, first - begin :]
        progress(last - first)
        yield tokens.cpu().numpy()


def _read(
    dataset: ClipDataset, scene: int, begin: int, end: int
) -> UInt8[np.ndarray, "frames H W 3"]:
    """Frames of a scene, black where a chunk is damaged: no clip with such a frame is drawn."""
    frames = np.zeros((end - begin, dataset.height, dataset.width, 3), dtype=np.uint8)
    first = begin
    while first < end:
        last = min(end, first - first % CHUNK_FRAMES + CHUNK_FRAMES)
        try:
            dataset.shards.read_into(frames[first - begin : last - begin], scene, first)
        except DamagedChunk as error:
            dataset.note_damage(error)
        first = last
    return frames

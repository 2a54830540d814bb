"""Tokens of every frame, made once per tokenizer and set of clips."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from playworld.checkpoint import params_sha256
from playworld.data.clips import ClipDataset
from playworld.data.tokens import TokenStore, write_tokens
from playworld.models.pixels import to_float
from playworld.models.tokenizer import VideoTokenizer
from playworld.train.distributed import first_rank_does
from playworld.train.loop import Progress


def token_cache(
    dataset: ClipDataset,
    tokenizer: VideoTokenizer,
    folder: Path,
    device: torch.device,
    progress: Progress | None = None,
) -> TokenStore:
    """Tokens of every frame of the split, made once per tokenizer, by the first process for all."""
    weights = params_sha256(tokenizer.state_dict())
    name = hashlib.sha256(f"{weights} {dataset.sha256}".encode()).hexdigest()[:16]
    folder = folder / name
    done = 0

    def told(frames: int) -> None:
        nonlocal done
        done += frames
        if progress:
            progress(done, dataset.num_frames, "tokenizing")

    def make() -> None:
        if not (folder / "index.json").exists():
            numbers = range(len(dataset.scenes))
            scenes = (scene_tokens(dataset, i, tokenizer, device, told) for i in numbers)
            write_tokens(folder, scenes, weights)

    first_rank_does(make)
    return TokenStore(folder)


@torch.inference_mode()
def scene_tokens(
    dataset: ClipDataset,
    scene: int,
    tokenizer: VideoTokenizer,
    device: torch.device,
    told: Callable[[int], None],
) -> Iterator[np.ndarray]:
    """Tokens of a scene in pieces; an encoder that looks back sees a window before each."""
    encoder = tokenizer.config.encoder
    context = encoder.window - 1 if encoder.temporal_every else 0
    total = dataset.scenes[scene].num_frames
    for first in range(0, total, 64):
        last, begin = min(first + 64, total), max(0, first - context)
        frames = torch.from_numpy(dataset.shards.read(scene, begin, last - begin))[None]
        tokens = tokenizer.encode(to_float(frames.to(device)))[0, first - begin :]
        told(last - first)
        yield tokens.cpu().numpy()

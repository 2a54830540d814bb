"""What a run shows while it trains: pictures for TensorBoard, and prompts of its preview."""

from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import UInt8
from torch import Tensor

from playworld.config import InputError
from playworld.data.clips.dataset import ClipDataset
from playworld.images import to_png
from playworld.models.base import Tokenizer
from playworld.models.pixels import to_float, to_uint8
from playworld.world.world import World

NUM_PROMPTS = 8


def held_out(clips: Path, count: int, length: int) -> UInt8[Tensor, "count length H W C"]:
    """Held-out clips spread evenly over the videos; training clips where none is long enough."""
    try:
        dataset = ClipDataset(clips, "valid", length)
    except InputError:
        dataset = ClipDataset(clips, "train", length)
    picks = np.linspace(0, dataset.num_clips - 1, count).astype(int)
    return torch.from_numpy(np.stack([dataset.read(dataset.clip(int(i))) for i in picks]))


def held_out_prompts(clips: Path) -> dict[str, bytes]:
    """Held-out frames as PNG files by name."""
    return numbered(held_out(clips, NUM_PROMPTS, 1)[:, 0])


def numbered(frames: UInt8[Tensor, "N H W C"]) -> dict[str, bytes]:
    """Frames as PNG files, named by their number from 01."""
    return {f"{number:02d}": to_png(frame) for number, frame in enumerate(frames, start=1)}


@torch.no_grad()
def reconstructions(tokenizer: Tokenizer, video: UInt8[Tensor, "B T H W C"]) -> np.ndarray:
    """Each clip as a row of true frames above a row of what the tokens keep of them."""
    device = next(tokenizer.parameters()).device
    output = to_uint8(tokenizer.reconstruct(to_float(video.to(device)))).cpu()
    pairs = torch.stack([video, output], dim=1)
    return rearrange(pairs, "B two T H W C -> (B two H) (T W) C").numpy()


@torch.no_grad()
def action_grid(world: World, prompts: UInt8[Tensor, "B P H W C"], presses: int = 4) -> np.ndarray:
    """Rows are prompts, columns buttons, each pressed a few times; the prompt comes first."""
    starts = len(prompts)
    _, state = world.start(prompts, seeds=list(range(starts)))
    columns = [prompts[:, -1]]
    for button in range(world.num_actions):
        frames, later = prompts[:, -1], state
        for _ in range(presses):
            frames, later = world.step(later, [button] * starts)
        columns.append(frames.cpu())
    return rearrange(torch.stack(columns, dim=1), "B A H W C -> (B H) (A W) C").numpy()


@torch.no_grad()
def rollouts(world: World, video: UInt8[Tensor, "B T H W C"]) -> np.ndarray:
    """Each clip as a row of true frames above what the world makes of its beginning.

    A third of the frames are given, the others follow from the latent actions of the clip.
    """
    starts, given = len(video), max(1, video.shape[1] // 3)
    codes = world.infer_actions(video)
    _, state = world.start(video[:, :given], seeds=list(range(starts)))
    made = [*video[:, :given].unbind(1)]
    for frame in range(given, video.shape[1]):
        picture, state = world.step(state, codes[:, frame - 1])
        made.append(picture.cpu())
    pairs = torch.stack([video, torch.stack(made, dim=1)], dim=1)
    return rearrange(pairs, "B two T H W C -> (B two H) (T W) C").numpy()

"""Pictures for TensorBoard while a stage trains."""

import numpy as np
import torch
from einops import rearrange
from jaxtyping import UInt8
from torch import Tensor

from playworld.models.base import Tokenizer
from playworld.models.pixels import to_float, to_uint8
from playworld.world.world import World


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

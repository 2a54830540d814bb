"""Multi-head attention with QK-norm, within a frame and along time."""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from playworld.models.norm import RMSNorm

KeysValues = tuple[Float[Tensor, "B _ P heads dim"], Float[Tensor, "B _ P heads dim"]]
Rotation = tuple[Float[Tensor, "#B F 1 1 h"], Float[Tensor, "#B F 1 1 h"]]
"""Cosine and sine of the angle by which each pair of features turns, for every frame."""


class Attention(nn.Module):
    """Fused query-key-value projection; queries and keys RMS-normed (QK-norm, Genie section 3).

    The rows of the projection lie head by head, so that processes can share them (tensor
    parallelism): how many heads are here, the tensors say.
    """

    def __init__(self, width: int, num_heads: int, head_dim: int):
        super().__init__()
        self.head_dim = head_dim
        self.qkv = nn.Linear(width, 3 * num_heads * head_dim, bias=False)
        self.norm_q = RMSNorm(head_dim)
        self.norm_k = RMSNorm(head_dim)
        self.out = nn.Linear(num_heads * head_dim, width, bias=False)

    def project(
        self, x: Float[Tensor, "*batch D"]
    ) -> tuple[
        Float[Tensor, "*batch heads dim"],
        Float[Tensor, "*batch heads dim"],
        Float[Tensor, "*batch heads dim"],
    ]:
        """Queries, keys and values per head; queries and keys are normalised."""
        q, k, v = self.qkv(x).unflatten(-1, (-1, 3, self.head_dim)).unbind(-2)
        return self.norm_q(q), self.norm_k(k), v


class SpatialAttention(Attention):
    """Every token of a frame sees every other token of the same frame, and nothing else."""

    def forward(self, x: Float[Tensor, "B F P D"]) -> Float[Tensor, "B F P D"]:
        """Mix tokens within each frame."""
        q, k, v = (rearrange(t, "B F P heads dim -> (B F) heads P dim") for t in self.project(x))
        mixed = attend(q, k, v)
        return self.out(rearrange(mixed, "(B F) heads P dim -> B F P (heads dim)", B=x.shape[0]))


class TemporalAttention(Attention):
    """Every token sees its own position at other times; which times, the mask says.

    Positions in time are rotary, so only differences matter and the window can slide for ever.
    """

    def forward(
        self,
        x: Float[Tensor, "B F P D"],
        rotation: Rotation,
        mask: Bool[Tensor, "#B F M"],
        past: KeysValues | None = None,
    ) -> tuple[Float[Tensor, "B F P D"], KeysValues]:
        """Mix each position over time.

        Args:
            x: F frames that are computed now.
            rotation: what `rotary` gives for their frame numbers.
            mask: true where frame f may look at memory m; the memory is `past`, then the F frames.
            past: cached keys and values of earlier frames, as this method returned them; F is 1.

        Returns:
            The mixed frames, and their own keys and values for a cache.
        """
        q, k, v = self.project(x)
        q, k = rotate(q, rotation), rotate(k, rotation)
        own = (k, v)
        if past is not None:
            return self.out(recall(q, own, past, mask[:, 0]).flatten(3)), own
        # Positions and heads form one axis: views, no copy along time.
        tokens = x.shape[2]
        q, k, v = (rearrange(t, "B F P heads dim -> B (P heads) F dim") for t in (q, k, v))
        mixed = attend(q, k, v, mask[:, None])
        mixed = rearrange(mixed, "B (P heads) F dim -> B F P (heads dim)", P=tokens)
        return self.out(mixed), own


def attend(
    q: Float[Tensor, "B heads Q dim"],
    k: Float[Tensor, "B heads M dim"],
    v: Float[Tensor, "B heads M dim"],
    mask: Bool[Tensor, "#B #heads Q M"] | None = None,
) -> Float[Tensor, "B heads Q dim"]:
    """Softmax attention; `mask` is true where row l may look at row m.

    On a CPU PyTorch's fused kernel has no fast backward pass in bfloat16: plain products take a
    quarter of its time.
    """
    if not (q.dtype == torch.bfloat16 and q.device.type == "cpu" and torch.is_grad_enabled()):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    scores = (q * q.shape[-1] ** -0.5) @ k.mT
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(-1, dtype=torch.float32).to(v.dtype) @ v


def recall(
    q: Float[Tensor, "B 1 P heads dim"],
    own: KeysValues,
    past: KeysValues,
    mask: Bool[Tensor, "B M"],
) -> Float[Tensor, "B 1 P heads dim"]:
    """Attention of one new frame to the cached past and, last in the mask, to itself.

    By products and sums: as matrices these have one row each. That takes twice as long on a CPU,
    and rounds by where in memory a thread works, so that a row would depend on its batch.
    """
    scores = torch.cat([(q * past[0]).sum(-1), (q * own[0]).sum(-1)], dim=1) * q.shape[-1] ** -0.5
    share = scores.masked_fill(~mask[..., None, None], -torch.inf).softmax(dim=1)[..., None]
    return (share[:, :-1] * past[1]).sum(dim=1, keepdim=True) + share[:, -1:] * own[1]


def rotary(times: Int[Tensor, "#B F"], head_dim: int) -> Rotation:
    """Angles of the rotary position embedding in time (arXiv:2104.09864); once for all blocks.

    Its base is 1,000, as windows are short.
    """
    half = head_dim // 2
    frequencies = 1000.0 ** (-torch.arange(half, device=times.device, dtype=torch.float32) / half)
    angle = (times[..., None].float() * frequencies)[:, :, None, None]
    return angle.cos(), angle.sin()


def rotate(
    x: Float[Tensor, "B F P heads dim"], rotation: Rotation
) -> Float[Tensor, "B F P heads dim"]:
    """Turn the features of each frame by the angles of its time."""
    cos, sin = (t.to(x.dtype) for t in rotation)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)

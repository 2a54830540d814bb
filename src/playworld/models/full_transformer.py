"""Full attention over space and time, as in C-ViViT (arXiv:2210.02399): for comparison.

Genie compares its tokenizer with this one (section 3.4). The cost of a token grows with all tokens
of the window, not with those of a frame plus the frames of the window.
"""

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from playworld.models.attention import Attention, KeysValues, Rotation, attend, rotate
from playworld.models.norm import RMSNorm
from playworld.models.st_transformer import STTransformer, TransformerConfig, feed_forward


class FullAttention(Attention):
    """Every token attends to all tokens of the frames that its own may attend to."""

    def forward(
        self,
        x: Float[Tensor, "B F P D"],
        rotation: Rotation,
        mask: Bool[Tensor, "#B F M"],
        past: KeysValues | None = None,
    ) -> tuple[Float[Tensor, "B F P D"], KeysValues]:
        """Mix all tokens; arguments as of `TemporalAttention`."""
        q, k, v = self.project(x)
        q, k = rotate(q, rotation), rotate(k, rotation)
        own = (k, v)
        if past is not None:
            k, v = torch.cat([past[0], k], dim=1), torch.cat([past[1], v], dim=1)
        tokens = x.shape[2]
        token_mask = mask.repeat_interleave(tokens, dim=1).repeat_interleave(tokens, dim=2)
        q, k, v = (rearrange(t, "B F P heads dim -> B heads (F P) dim") for t in (q, k, v))
        mixed = attend(q, k, v, token_mask[:, None])
        return self.out(rearrange(mixed, "B heads (F P) dim -> B F P (heads dim)", P=tokens)), own


class FullBlock(nn.Module):
    """One attention over space and time, one feed-forward; pre-norm."""

    has_time = True

    def __init__(self, config: TransformerConfig):
        super().__init__()
        width = config.width
        self.norm_time = RMSNorm(width)
        self.time = FullAttention(width, config.num_heads, config.head_dim)
        self.norm_mlp = RMSNorm(width)
        self.mlp = feed_forward(config)

    def forward(
        self,
        x: Float[Tensor, "B F P D"],
        rotation: Rotation,
        mask: Bool[Tensor, "#B F M"],
        past: KeysValues | None = None,
    ) -> tuple[Float[Tensor, "B F P D"], KeysValues]:
        """Mix all tokens of a window, then each by itself."""
        mixed, own = self.time(self.norm_time(x), rotation, mask, past)
        x = x + mixed
        return x + self.mlp(self.norm_mlp(x)), own


class FullTransformer(STTransformer):
    """A stack of such blocks in place of ST blocks; the cached step works in the same way."""

    def __init__(self, config: TransformerConfig, num_positions: int):
        super().__init__(config, num_positions)
        blocks = nn.ModuleList(FullBlock(config) for _ in range(config.num_layers))
        blocks.load_state_dict(self.blocks.state_dict(), strict=False)  # begin as ST blocks do
        self.blocks = blocks

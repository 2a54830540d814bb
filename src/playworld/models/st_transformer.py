"""The spatio-temporal transformer that all three models share (Genie, section 2)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from playworld.config import check_ranges
from playworld.models.attention import (
    KeysValues,
    Rotation,
    SpatialAttention,
    TemporalAttention,
    rotary,
)
from playworld.models.kv_cache import KVCache, KVCacheEntry
from playworld.models.norm import RMSNorm

MAX_WINDOW = 512
"""Frames; the paper has 16. No tensor has it in its shape, so nothing else would refuse more."""


@dataclass(frozen=True)
class TransformerConfig:
    """Shape of one spatio-temporal transformer."""

    width: int
    """Features per token, D."""
    num_layers: int
    """Blocks; each is spatial attention, temporal attention, one feed-forward."""
    num_heads: int
    """Attention heads."""
    head_dim: int
    """Features per head; heads x head_dim need not equal the width (it does not in the paper)."""
    mlp_ratio: float = 4.0
    """Hidden features of the feed-forward, in widths."""
    temporal_every: int = 1
    """Temporal attention in every n-th block, counted from the last; 0: none."""
    window: int = 16
    """Frames that temporal attention sees, the present one included."""

    def __post_init__(self) -> None:
        check_ranges(
            self,
            width=(1, 65_536),
            num_layers=(1, 256),
            num_heads=(1, 256),
            head_dim=(2, 4_096),
            mlp_ratio=(0, 16),
            temporal_every=(0, 256),
            window=(1, MAX_WINDOW),
        )
        if self.head_dim % 2:
            raise ValueError(f"head_dim must be even for rotary positions, got {self.head_dim}")
        if self.hidden < 1:
            raise ValueError(
                f"mlp_ratio leaves no hidden feature of a width of {self.width}, "
                f"got {self.mlp_ratio}"
            )

    @property
    def hidden(self) -> int:
        """Features between the two layers of the feed-forward."""
        return round(self.width * self.mlp_ratio)

    def cache_bytes(self, num_positions: int) -> int:
        """Memory of the cache of one session, in bytes of float32."""
        layers = sum(map(self.has_time, range(self.num_layers)))
        numbers = layers * (self.window - 1) * num_positions * self.num_heads * self.head_dim
        return 2 * 4 * numbers

    def has_time(self, layer: int) -> bool:
        """Whether block `layer` attends along time."""
        return self.temporal_every > 0 and (self.num_layers - 1 - layer) % self.temporal_every == 0


def feed_forward(config: TransformerConfig) -> nn.Sequential:
    """The part of a block that mixes the features of each token."""
    return nn.Sequential(
        nn.Linear(config.width, config.hidden, bias=False),
        nn.GELU("tanh"),
        nn.Linear(config.hidden, config.width, bias=False),
    )


class STBlock(nn.Module):
    """Spatial attention, causal temporal attention, one feed-forward; pre-norm."""

    def __init__(self, config: TransformerConfig, has_time: bool):
        super().__init__()
        width = config.width
        self.norm_space = RMSNorm(width)
        self.space = SpatialAttention(width, config.num_heads, config.head_dim)
        if has_time:
            self.norm_time = RMSNorm(width)
            self.time = TemporalAttention(width, config.num_heads, config.head_dim)
        self.has_time = has_time
        self.norm_mlp = RMSNorm(width)
        self.mlp = feed_forward(config)

    def forward(
        self,
        x: Float[Tensor, "B F P D"],
        rotation: Rotation,
        mask: Bool[Tensor, "#B F M"],
        past: KeysValues | None = None,
    ) -> tuple[Float[Tensor, "B F P D"], KeysValues | None]:
        """Mix tokens within each frame, then each position with its past (Genie, section 2.1)."""
        x = x + self.space(self.norm_space(x))
        own = None
        if self.has_time:
            mixed, own = self.time(self.norm_time(x), rotation, mask, past)
            x = x + mixed
        return x + self.mlp(self.norm_mlp(x)), own


class STTransformer(nn.Module):
    """A stack of ST blocks over a grid of P positions, with a learned position per grid cell."""

    def __init__(self, config: TransformerConfig, num_positions: int):
        super().__init__()
        self.config = config
        self.num_positions = num_positions
        self.position = nn.Parameter(torch.randn(num_positions, config.width) * 0.02)
        self.blocks = nn.ModuleList(
            STBlock(config, config.has_time(layer)) for layer in range(config.num_layers)
        )
        self.norm = RMSNorm(config.width)
        for name, parameter in self.blocks.named_parameters():
            if parameter.ndim == 2:
                residual = name.endswith(("out.weight", "mlp.2.weight"))  # start small (GPT-2)
                scale = (3 * config.num_layers) ** -0.5 if residual else 1.0
                nn.init.normal_(parameter, std=scale * parameter.shape[1] ** -0.5)

    def forward(
        self,
        x: Float[Tensor, "B F P D"],
        times: Int[Tensor, " F"] | None = None,
        committed: Bool[Tensor, " F"] | None = None,
    ) -> Float[Tensor, "B F P D"]:
        """All frames at once.

        Args:
            x: embedded frames.
            times: their numbers in time; 0 to F-1 if not given.
            committed: which frames the later ones may look at; all if not given. A frame that is
                not committed (a guess with hidden tokens) is seen by itself alone.
        """
        if times is None:
            times = torch.arange(x.shape[1], device=x.device)
        if committed is None:
            committed = torch.ones_like(times, dtype=torch.bool)
        mask = history_mask(times, committed, self.config.window)[None]
        x, rotation = x + self.position.to(x.dtype), rotary(times[None], self.config.head_dim)
        for block in self.blocks:
            x, _ = block(x, rotation, mask)
        return self.norm(x)

    def start_cache(self, batch: int) -> KVCache:
        """The cache of `batch` rows without a frame yet."""
        layers = sum(self.config.has_time(i) for i in range(self.config.num_layers))
        ring, heads = self.config.window - 1, (self.config.num_heads, self.config.head_dim)
        keys = self.position.new_zeros(batch, layers, ring, self.num_positions, *heads)
        time = torch.zeros(batch, dtype=torch.long, device=keys.device)
        return KVCache(keys, torch.zeros_like(keys), time)

    def step(
        self, x: Float[Tensor, "B P D"], cache: KVCache
    ) -> tuple[Float[Tensor, "B P D"], KVCacheEntry]:
        """The next frame alone, against the cached past: equal to the last frame of `forward`."""
        ring = self.config.window - 1
        filled = torch.arange(ring, device=x.device) < cache.time[:, None]
        mask = F.pad(filled, (0, 1), value=True)[:, None]
        x = (x + self.position.to(x.dtype))[:, None]
        rotation = rotary(cache.time[:, None], self.config.head_dim)
        keys: list[Tensor] = []
        values: list[Tensor] = []
        for block in self.blocks:
            past = None
            if block.has_time:
                past = (cache.keys[:, len(keys)], cache.values[:, len(keys)])
            x, own = block(x, rotation, mask, past)
            if own is not None:
                keys.append(own[0][:, 0])
                values.append(own[1][:, 0])
        if keys:
            entry = KVCacheEntry(torch.stack(keys, dim=1), torch.stack(values, dim=1))
        else:
            entry = KVCacheEntry(cache.keys.sum(dim=2), cache.values.sum(dim=2))
        return self.norm(x)[:, 0], entry


def history_mask(
    times: Int[Tensor, " F"], committed: Bool[Tensor, " F"], window: int
) -> Bool[Tensor, "F F"]:
    """Frame i may look at itself and at committed frames less than `window` before it."""
    age = times[:, None] - times[None, :]
    earlier = committed[None, :] & (age > 0) & (age < window)
    return earlier | torch.eye(len(times), dtype=torch.bool, device=times.device)

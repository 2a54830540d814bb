"""Video tokenizer: ST-ViViT VQ-VAE, each frame a grid of discrete tokens (Genie, section 2.1)."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from playworld.config import check_ranges
from playworld.models.base import Tokenizer
from playworld.models.full_transformer import FullTransformer
from playworld.models.kv_cache import KVCache, KVCacheEntry
from playworld.models.product_quantizer import build_quantizer
from playworld.models.quantizer import Quantized, QuantizerConfig
from playworld.models.st_transformer import STTransformer, TransformerConfig
from playworld.models.stems import (
    ConvEmbed,
    ConvUnembed,
    PatchEmbed,
    PatchUnembed,
    Stem,
    check_grid,
    grid,
)


@dataclass(frozen=True)
class TokenizerConfig:
    """Shape of the video tokenizer."""

    height: int
    """Rows of a frame, pixels."""
    width: int
    """Columns of a frame, pixels."""
    patch: int
    """Side of the square of pixels that is one place of the grid, of one or more tokens."""
    encoder: TransformerConfig
    """Pixels to latents. Without temporal attention a frame's tokens do not depend on its past."""
    decoder: TransformerConfig
    """Tokens to pixels, causal in time."""
    quantizer: QuantizerConfig
    """The codebook of tokens; with several tokens per place, `code_size` is that of all F."""
    stem: Stem = "linear"
    """Linear patches (the paper) or convolutions."""
    stem_channels: int = 32
    """Channels at half resolution of a convolutional stem; they double with every halving."""
    attention: Literal["space-time", "full"] = "space-time"
    """ST blocks (ST-ViViT; ViT where no block looks back), or all tokens of the window at once
    (C-ViViT)."""
    factors: int = 1
    """Tokens of a place, F: its latent is cut into F parts, each with a codebook of its own."""

    def __post_init__(self) -> None:
        check_grid(self.height, self.width, self.patch, self.stem)
        check_ranges(self, stem_channels=(1, 1_024), factors=(1, 16))
        if self.quantizer.code_size % self.factors:
            raise ValueError(
                f"quantizer.code_size must divide by factors, got {self.quantizer.code_size} and "
                f"{self.factors}"
            )
        every = (self.encoder.temporal_every, self.decoder.temporal_every)
        if self.attention == "full" and every != (1, 1):
            raise ValueError("full attention looks back in every block: set temporal_every to 1")

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of tokens."""
        return grid(self.height, self.width, self.patch)

    @property
    def num_places(self) -> int:
        """Places of the grid, N."""
        return self.grid[0] * self.grid[1]

    @property
    def num_tokens(self) -> int:
        """Tokens per frame, L = N x F."""
        return self.num_places * self.factors

    @property
    def num_codes(self) -> int:
        """Different tokens, K."""
        return self.quantizer.num_codes

    @property
    def vocabularies(self) -> tuple[int, ...]:
        """How many values each token of a frame may have."""
        return (self.num_codes,) * self.num_tokens

    @property
    def summary(self) -> str:
        """What a frame is, for people."""
        count = str(self.num_places) if self.factors == 1 else f"{self.num_places} x {self.factors}"
        return f"{count} of {self.num_codes} codes"

    @property
    def view(self) -> tuple[int, int]:
        """Side of a place of `VideoTokenizer.code_grid`, pixels, and its channels."""
        return self.patch, self.quantizer.code_size

    @property
    def lookback(self) -> int:
        """Frames before a clip that its tokens depend on."""
        return self.encoder.window - 1 if self.encoder.temporal_every else 0

    @property
    def session_bytes(self) -> int:
        """Memory of the decoder of one game, in float32."""
        return self.decoder.cache_bytes(self.num_places)


class VideoTokenizer(Tokenizer):
    """Frames to tokens and back; both directions are causal in time."""

    config: TokenizerConfig

    def __init__(self, config: TokenizerConfig):
        super().__init__()
        self.config = config
        self.num_tokens = config.num_tokens
        size = config.quantizer.code_size
        wide, deep = config.encoder.width, config.decoder.width
        frame = (config.height, config.width)
        if config.stem == "linear":
            self.stem: nn.Module = PatchEmbed(config.patch, wide)
            self.head: nn.Module = PatchUnembed(config.patch, deep, frame)
        else:
            self.stem = ConvEmbed(config.patch, wide, config.stem_channels)
            self.head = ConvUnembed(config.patch, deep, config.stem_channels, frame)
        transformer = STTransformer if config.attention == "space-time" else FullTransformer
        self.encoder = transformer(config.encoder, config.num_places)
        self.to_latent = nn.Linear(wide, size)
        self.quantizer = build_quantizer(config.quantizer, config.factors)
        self.from_latent = nn.Linear(size, deep)
        self.decoder = transformer(config.decoder, config.num_places)

    def forward(
        self, video: Float[Tensor, "B T H W C"], generator: torch.Generator | None = None
    ) -> tuple[Float[Tensor, "B T H W C"], Quantized]:
        """Reconstruction (in [0, 1]) and what the quantiser did; used in training."""
        quantized = self.quantizer(self.latents(video), generator)
        return self.pixels(quantized.latents), quantized

    def latents(self, video: Float[Tensor, "B T H W C"]) -> Float[Tensor, "B T N E"]:
        """Continuous latents before quantisation. Pixels in [0, 1]."""
        return self.to_latent(self.encoder(self.stem(video * 2 - 1)))

    def pixels(self, latents: Float[Tensor, "B T N E"]) -> Float[Tensor, "B T H W C"]:
        """Frames in [0, 1] from quantised latents."""
        return self.picture(self.decoder(self.spread(latents)))

    def spread(self, latents: Float[Tensor, "*batch E"]) -> Float[Tensor, "*batch D"]:
        """Codes as the decoder's input, in the precision of its weights."""
        return self.from_latent(latents.to(self.decoder.position.dtype))

    def picture(self, x: Float[Tensor, "B T N D"]) -> Float[Tensor, "B T H W C"]:
        """The decoder's output as frames in [0, 1]."""
        return torch.sigmoid(self.head(x).float())

    def encode(self, video: Float[Tensor, "B T H W C"]) -> Int[Tensor, "B T L"]:
        """Tokens of every frame. Pixels in [0, 1]."""
        return self.quantizer.nearest(self.latents(video))

    def decode(self, tokens: Int[Tensor, "B T L"]) -> Float[Tensor, "B T H W C"]:
        """Frames in [0, 1] from tokens; a frame depends on its own and on earlier tokens."""
        return self.pixels(self.quantizer.lookup(tokens))

    def code_grid(self, tokens: Int[Tensor, "B T L"]) -> Float[Tensor, "B T h w E"]:
        """The codes of the tokens where they lie in the frame: a picture of E channels."""
        return self.quantizer.lookup(tokens).unflatten(2, self.config.grid)

    def reconstruct(self, video: Float[Tensor, "B T H W C"]) -> Float[Tensor, "B T H W C"]:
        """The video through its tokens and back."""
        return self.decode(self.encode(video))

    def begin(self, prompt: Float[Tensor, "B H W C"]) -> KVCache:
        """The state before the first frame; of this kind the tokens hold all of it."""
        return self.start_cache(len(prompt))

    def chosen_codes(self, tokens: Int[Tensor, "*batch L"]) -> tuple[Int[Tensor, " M"], int]:
        """The first token of every place, and how many different ones there are."""
        return tokens[..., :: self.config.factors].flatten(), self.config.num_codes

    def round_decoder(self, dtype: torch.dtype) -> None:
        """Round the weights of the way from tokens to pixels."""
        for part in (self.from_latent, self.decoder, self.head):
            part.to(dtype)

    def start_cache(self, batch: int) -> KVCache:
        """The decoder's cache for `batch` videos of which no frame is decoded yet."""
        return self.decoder.start_cache(batch)

    def decode_step(
        self, tokens: Int[Tensor, "B L"], cache: KVCache, in_place: bool = False
    ) -> tuple[Float[Tensor, "B H W C"], KVCache]:
        """Decode the next frame alone, given the cached past: the last frame of `decode`.

        The cache that was given stays as it was, or is used up if `in_place`.
        """
        frame, entry = self.decode_entry(tokens, cache)
        return frame, cache.append(entry, in_place)

    def decode_entry(
        self, tokens: Int[Tensor, "B L"], cache: KVCache
    ) -> tuple[Float[Tensor, "B H W C"], KVCacheEntry]:
        """The next frame, and what `append` puts into the cache."""
        x, entry = self.decoder.step(self.spread(self.quantizer.lookup(tokens)), cache)
        return self.picture(x[:, None])[:, 0], entry

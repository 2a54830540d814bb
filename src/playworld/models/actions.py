"""Latent action model: which of a few codes leads from a frame to the next (Genie, section 2.1)."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from playworld.config import check_ranges
from playworld.models.conv_actions import ConvActionDecoder, ConvActionEncoder
from playworld.models.motion.actions import VectorActionDecoder, VectorActionEncoder
from playworld.models.quantizer import Quantized, QuantizerConfig, VectorQuantizer
from playworld.models.st_transformer import STTransformer, TransformerConfig
from playworld.models.stems import PatchEmbed, PatchUnembed, Stem, check_grid, grid


@dataclass(frozen=True)
class TokenView:
    """Tokens as the latent action model sees them; both figures are the tokenizer's."""

    patch: int
    """Side of the square of pixels that a token stands for."""
    code_size: int
    """Features of a code, which are the channels of the picture."""

    def __post_init__(self) -> None:
        check_ranges(self, patch=(1, 4_096), code_size=(1, 4_096))


@dataclass(frozen=True)
class LatentActionConfig:
    """Shape of the latent action model."""

    height: int
    """Rows of a frame, pixels."""
    width: int
    """Columns of a frame, pixels."""
    quantizer: QuantizerConfig
    """The codebook; its num_codes is the number of buttons, |A|."""
    stem: Stem | Literal["vector"] = "linear"
    """Linear patches and ST-transformers over the whole history (the paper), convolutions over
    neighbouring frames (for small machines), or plain layers on a view that is one place (tokens of
    changes)."""
    patch: int = 16
    """Side of a linear patch, pixels (of tokens: cells); how far the convolutions halve the picture
    otherwise."""
    stem_channels: int = 32
    """Channels of the first convolution; unused by the linear stem."""
    context: int = 1
    """Past frames that convolutions see. From two on the past shows how fast things already move,
    and a code is left with what the player changes."""
    encoder: TransformerConfig | None = None
    """ST-transformer of the linear stem; None for convolutions."""
    decoder: TransformerConfig | None = None
    """ST-transformer of the linear stem; None for convolutions."""
    tokens: TokenView | None = None
    """Look at the codes of tokens, and predict those, instead of pixels (Genie, section 3.4)."""
    gravity: bool = False
    """Motion down is no action, for side-view games: things fall by themselves, and the
    dynamics learn it. Only for plain layers."""

    def __post_init__(self) -> None:
        check_ranges(self, patch=(1, 4_096), context=(1, 16), stem_channels=(1, 1_024))
        height, width = self.size
        if self.stem == "vector":
            if (height, width) != (1, 1):
                raise ValueError(f"plain layers need a view of 1x1, got {width}x{height}")
        else:
            check_grid(height, width, self.patch, self.stem)
        if (self.stem == "linear") != (self.encoder is not None and self.decoder is not None):
            raise ValueError("the linear stem needs encoder and decoder, the others take neither")
        if self.stem == "conv" and self.patch < 8:
            raise ValueError(f"convolutions need a patch of 8 or more, got {self.patch}")
        if self.gravity and self.stem != "vector":
            raise ValueError(f"gravity is known only to the stem 'vector', not to {self.stem!r}")
        if self.quantizer.num_codes > 1_024:
            raise ValueError(
                f"quantizer.num_codes is at most 1024 actions, got {self.quantizer.num_codes}"
            )

    @property
    def num_actions(self) -> int:
        """Buttons of the world, |A|."""
        return self.quantizer.num_codes

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of what it looks at: pixels, or tokens."""
        patch = self.tokens.patch if self.tokens else 1
        return grid(self.height, self.width, patch)

    @property
    def channels(self) -> int:
        """Of what it looks at."""
        return self.tokens.code_size if self.tokens else 3

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return grid(*self.size, self.patch)


class ActionEncoder(nn.Module):
    """ST-transformer over all frames; an extra token per frame gathers what its transition was."""

    def __init__(self, config: LatentActionConfig):
        super().__init__()
        assert config.encoder is not None
        rows, columns = config.cells
        self.stem = PatchEmbed(config.patch, config.encoder.width, config.channels)
        self.gather = nn.Parameter(torch.zeros(config.encoder.width))
        self.transformer = STTransformer(config.encoder, rows * columns + 1)
        self.head = nn.Linear(config.encoder.width, config.quantizer.code_size)

    def forward(self, video: Float[Tensor, "B T H W C"]) -> Float[Tensor, "B S E"]:
        """One latent per transition; number k depends on frames 0 to k+1."""
        x = self.stem(video * 2 - 1)
        gather = self.gather.expand(*x.shape[:2], 1, -1)
        return self.head(self.transformer(torch.cat([gather, x], dim=2))[:, 1:, 0])


class ActionDecoder(nn.Module):
    """ST-transformer over past frames and actions; sees nothing of the frame it predicts."""

    def __init__(self, config: LatentActionConfig):
        super().__init__()
        assert config.decoder is not None
        rows, columns = config.cells
        width = config.decoder.width
        self.stem = PatchEmbed(config.patch, width, config.channels)
        self.action = nn.Linear(config.quantizer.code_size, width)
        self.transformer = STTransformer(config.decoder, rows * columns)
        self.head = PatchUnembed(config.patch, width, config.size, config.channels)
        self.bounded = config.tokens is None

    def forward(
        self, past: Float[Tensor, "B S H W C"], actions: Float[Tensor, "B S E"]
    ) -> Float[Tensor, "B S H W C"]:
        """Frame k+1 from frames 0 to k and actions 0 to k, whole clip in one pass."""
        x = self.stem(past * 2 - 1) + self.action(actions)[:, :, None]
        next_frame = self.head(self.transformer(x))
        return torch.sigmoid(next_frame) if self.bounded else next_frame


class LatentActionModel(nn.Module):
    """Finds the actions in unlabelled video: what the past lacks to tell the next frame.

    Where the config says `tokens`, "video" is the tokenizer's `code_grid` here, not pixels.
    """

    def __init__(self, config: LatentActionConfig):
        super().__init__()
        self.config = config
        size = config.quantizer.code_size
        if config.stem == "linear":
            self.encoder: nn.Module = ActionEncoder(config)
            self.decoder: nn.Module = ActionDecoder(config)
        elif config.stem == "vector":
            self.encoder = VectorActionEncoder(config.channels, size, config.gravity)
            self.decoder = VectorActionDecoder(config.channels, size)
        else:
            base, context, channels = config.stem_channels, config.context, config.channels
            self.encoder = ConvActionEncoder(
                config.patch, base, config.cells, size, context, channels
            )
            self.decoder = ConvActionDecoder(base, size, context, channels)
        self.quantizer = VectorQuantizer(config.quantizer)

    def forward(
        self,
        video: Float[Tensor, "B T H W C"],
        generator: torch.Generator | None = None,
    ) -> tuple[Float[Tensor, "B S H W C"], Quantized]:
        """Predictions of frames 1 to T-1 and what the quantiser did; used in training."""
        quantized = self.quantizer(self.encoder(video), generator)
        return self.decoder(video[:, :-1], quantized.latents), quantized

    def encode(self, video: Float[Tensor, "B T H W C"]) -> Int[Tensor, "B S"]:
        """Latent action of every transition: number k leads from frame k to frame k+1."""
        return self.quantizer.nearest(self.encoder(video))

    def embed(self, actions: Int[Tensor, "*batch"]) -> Float[Tensor, "*batch E"]:
        """Features of latent actions, from the codebook."""
        return self.quantizer.lookup(actions)

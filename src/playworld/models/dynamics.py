"""Dynamics: past tokens and the latent action give the next frame's tokens (Genie, section 2.1)."""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from playworld.config import check_ranges
from playworld.models.base import DynamicsModel
from playworld.models.batch_invariance import repeated
from playworld.models.kv_cache import KVCache, KVCacheEntry
from playworld.models.st_transformer import STTransformer, TransformerConfig
from playworld.models.stems import MAX_TOKENS


@dataclass(frozen=True)
class DynamicsConfig:
    """Shape of the dynamics model."""

    num_tokens: int
    """Tokens per frame, L; the tokenizer's."""
    num_codes: int
    """Different tokens, K; the tokenizer's."""
    action_size: int
    """Features of a latent action, E; the latent action model's."""
    transformer: TransformerConfig
    """Decoder-only ST-transformer; its window is the memory of the world."""
    action_input: Literal["add", "prepend", "concat"] = "add"
    """How the action that leads to a frame goes in with it: added to every token (the paper), as a
    token of its own before the others, or beside the features of every token."""
    factors: int = 1
    """Tokens of a place, F, which are hidden, and decided, together; the tokenizer's."""

    def __post_init__(self) -> None:
        check_ranges(
            self, num_tokens=(1, MAX_TOKENS), num_codes=(2, 65_536), action_size=(1, 4_096)
        )
        check_ranges(self, factors=(1, 16))
        if self.num_tokens % self.factors:
            raise ValueError(
                f"num_tokens must divide by factors, got {self.num_tokens} and {self.factors}"
            )

    @property
    def num_places(self) -> int:
        """Places of the tokenizer's grid, N."""
        return self.num_tokens // self.factors

    @property
    def num_positions(self) -> int:
        """Positions of a frame in the transformer: its places, and a prepended action."""
        return self.num_places + (self.action_input == "prepend")


class Dynamics(DynamicsModel):
    """MaskGIT over frames: hidden tokens of a frame are predicted from the past and the action.

    The action of the transition t-1 -> t goes in with frame t, so it conditions the frame that it
    leads to. The mask is an embedding of its own, the last, never a real token.
    """

    config: DynamicsConfig

    def __init__(self, config: DynamicsConfig):
        super().__init__()
        self.config = config
        width = config.transformer.width
        self.embed = nn.Embedding(config.factors * config.num_codes + 1, width)
        nn.init.normal_(self.embed.weight, std=0.5)
        self.action = nn.Linear(config.action_size, width)
        if config.action_input == "concat":
            self.mix = nn.Linear(2 * width, width)
        self.transformer = STTransformer(config.transformer, config.num_positions)
        self.head = nn.Linear(width, config.factors * config.num_codes)

    @torch.no_grad()
    def init_from_codebook(
        self, codebooks: Float[Tensor, "factors K E"], generator: torch.Generator
    ) -> None:
        """Start embeddings and logits from the tokenizer's codes: similar codes, similar tokens.

        Without it the model first has to find out which of the K tokens look alike (small preset,
        CoinRun, 90 seconds of one core: cross-entropy 5.75 instead of 6.35).
        """
        for weights, std in (
            (self.embed.weight[:-1], 0.5),
            (self.head.weight, self.config.transformer.width**-0.5),
        ):
            for weight, book in zip(weights.chunk(len(codebooks)), codebooks, strict=True):
                directions = book / book.norm(dim=1).mean()
                mixer = torch.randn(book.shape[1], weight.shape[1], generator=generator)
                weight.copy_(std * directions @ mixer.to(directions))

    def forward(
        self,
        tokens: Int[Tensor, "B T L"],
        hidden: Bool[Tensor, "B T N"],
        actions: Float[Tensor, "B S E"],
        history: Int[Tensor, "B T L"] | None = None,
    ) -> Float[Tensor, "B S N V"]:
        """Logits for frames 1 to T-1 (S = T-1 of them) in one pass: V = factors x K at every place.

        Args:
            tokens: true tokens of all frames.
            hidden: places whose tokens are hidden from the model.
            actions: latent actions; number k leads from frame k to frame k+1.
            history: without it, a frame attends to the past with the same mask (the paper). With
                it, every frame attends to its past as these tokens with nothing hidden, as in
                play: T-1 visible and T-1 hidden frames are computed together, and a hidden one
                attends to the visible ones before it, and itself.
        """
        guess = self.add_actions(self.embed_tokens(tokens, hidden), actions)
        if history is None:
            return self.logits(self.transformer(guess)[:, 1:])
        past = self.add_actions(self.embed_tokens(history, torch.zeros_like(hidden)), actions)
        return self.logits(self._after_past(past, guess))

    def embed_tokens(
        self, tokens: Int[Tensor, "*batch L"], hidden: Bool[Tensor, "*batch N"]
    ) -> Float[Tensor, "*batch N D"]:
        """Features of a frame's places; hidden ones have the embedding of the mask."""
        factors, count = self.config.factors, self.config.num_codes
        books = count * torch.arange(factors, device=tokens.device)
        codes = tokens.unflatten(-1, (-1, factors)) + books
        return self.embed(codes.masked_fill(hidden[..., None], factors * count)).sum(-2)

    def add_actions(
        self, x: Float[Tensor, "B T N D"], actions: Float[Tensor, "B S E"]
    ) -> Float[Tensor, "B T P D"]:
        """Action k goes in with frame k+1; in place of one, frame 0 has zeros."""
        action_features = F.pad(self.project_action(actions), (0, 0, 1, 0))
        return self.join(x, action_features[:, :, None].expand_as(x))

    def project_action(self, actions: Float[Tensor, "*batch E"]) -> Float[Tensor, "*batch D"]:
        """Latent actions in the transformer's width and precision."""
        return self.action(actions.to(self.embed.weight.dtype))

    def join(
        self, x: Float[Tensor, "*batch N D"], action_features: Float[Tensor, "*batch N D"]
    ) -> Float[Tensor, "*batch P D"]:
        """Places of frames with the features of the action before each, the same for all N."""
        if self.config.action_input == "add":
            return x + action_features
        if self.config.action_input == "concat":
            return self.mix(torch.cat([x, action_features], dim=-1))
        return torch.cat([action_features[..., :1, :], x], dim=-2)

    def logits(self, x: Float[Tensor, "*batch P D"]) -> Float[Tensor, "*batch N V"]:
        """What the tokens may be, from the transformer's output."""
        return self.head(x[..., -self.config.num_places :, :])

    def step(
        self,
        tokens: Int[Tensor, "B L"],
        hidden: Bool[Tensor, "B N"],
        action: Float[Tensor, "B E"] | None,
        cache: KVCache,
        picture: Tensor | None = None,
    ) -> tuple[Float[Tensor, "B N V"], KVCacheEntry]:
        """Logits of the next frame alone, against the cached past; equal to `forward`'s.

        The entry is what `append` commits, once it comes from a step with nothing hidden. `action`
        is None for the first frame of a prompt. `picture` is not used.
        """
        x = self.embed_tokens(tokens, hidden)
        action_features = torch.zeros_like(x)
        if action is not None:
            action_features = self.project_action(repeated(action[:, None], x.shape[1]))
        x, entry = self.transformer.step(self.join(x, action_features), cache)
        return self.logits(x), entry

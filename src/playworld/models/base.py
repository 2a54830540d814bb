"""What every tokenizer and every dynamics model is, whatever its tokens say."""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from playworld.models.kv_cache import KVCache, KVCacheEntry
from playworld.models.st_transformer import STTransformer


class Tokenizer(nn.Module):
    """Frames to L numbers each, and back; causal in time, with an explicit state.

    As in nn.Module, what raises NotImplementedError every kind brings itself.
    """

    config: Any
    num_tokens: int
    """Numbers per frame, L."""

    def encode(self, video: Float[Tensor, "B T H W C"]) -> Int[Tensor, "B T L"]:
        """Tokens of every frame. Pixels in [0, 1]."""
        raise NotImplementedError

    def encode_pairs(self, video: Float[Tensor, "B T H W C"]) -> Int[Tensor, "B T L"]:
        """The tokens that the dynamics learn from."""
        return self.encode(video)

    def reconstruct(self, video: Float[Tensor, "B T H W C"]) -> Float[Tensor, "B T H W C"]:
        """The video through its tokens and back."""
        raise NotImplementedError

    def begin(self, prompt: Float[Tensor, "B H W C"]) -> Any:
        """The state before the first frame, whose picture is `prompt`: some `Rows`."""
        raise NotImplementedError

    def decode_step(
        self, tokens: Int[Tensor, "B L"], cache: Any, in_place: bool = False
    ) -> tuple[Float[Tensor, "B H W C"], Any]:
        """The next frame in [0, 1], and the state after it; the old one stays, or is used up."""
        raise NotImplementedError

    def code_grid(self, tokens: Int[Tensor, "B T L"]) -> Float[Tensor, "B T h w E"]:
        """What the tokens say where they lie in the frame: a picture of E channels."""
        raise NotImplementedError

    def chosen_codes(self, tokens: Int[Tensor, "*batch L"]) -> tuple[Int[Tensor, " M"], int]:
        """All codes of the first codebook that these tokens name, and how many there are in it."""
        raise NotImplementedError

    def anchor(
        self,
        tokens: Int[Tensor, "B L"],
        frame: Float[Tensor, "B H W C"],
        cache: Any,
        truth: Float[Tensor, "B H W C"],
    ) -> tuple[Float[Tensor, "B H W C"], Any]:
        """What `decode_step` gave for these tokens, where the true frame is known: in a prompt.

        A tokenizer whose state holds pixels puts the true ones there; used up is `cache`.
        """
        return frame, cache

    def round_decoder(self, dtype: torch.dtype) -> None:
        """Round the weights of the way from tokens to pixels."""
        raise NotImplementedError


class DynamicsModel(nn.Module):
    """Past tokens and a latent action to the logits of the next frame's P positions."""

    config: Any
    transformer: STTransformer

    def start_cache(self, batch: int) -> KVCache:
        """The cache of `batch` worlds without a frame yet."""
        return self.transformer.start_cache(batch)

    def step(
        self,
        tokens: Int[Tensor, "B L"],
        hidden: Bool[Tensor, "B P"],
        action: Float[Tensor, "B E"] | None,
        cache: KVCache,
        picture: Float[Tensor, "B N D"] | None = None,
    ) -> tuple[Float[Tensor, "B P V"], KVCacheEntry]:
        """Logits of the next frame alone, and the entry that commits it once nothing is hidden.

        `action` is None for the first frame of a prompt; `picture` are features of the
        last picture, for models that take them beside the tokens.
        """
        raise NotImplementedError  # as above

    def _after_past(
        self, past: Float[Tensor, "B T P D"], guess: Float[Tensor, "B T P D"]
    ) -> Float[Tensor, "B S P D"]:
        """Outputs for the frames of `guess` from the second on: each sees the past before it."""
        T = past.shape[1]
        times = torch.arange(T, device=past.device)
        x = self.transformer(
            torch.cat([past[:, :-1], guess[:, 1:]], dim=1),
            times=torch.cat([times[:-1], times[1:]]),
            committed=torch.arange(2 * T - 2, device=past.device) < T - 1,
        )
        return x[:, T - 1 :]

    def append(self, cache: KVCache, entry: KVCacheEntry, in_place: bool = False) -> KVCache:
        """The cache with one more committed frame; the old one stays as it was, or is used up."""
        return cache.append(entry, in_place)

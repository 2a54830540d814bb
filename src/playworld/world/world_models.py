"""The three models of a world, and what they compute of a frame beside its passes.

`World` and the engine generate frames with the same calls of this module, so both give the same.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from playworld.config import InputError
from playworld.machine import choose_device
from playworld.manifest import params_sha256
from playworld.models.actions import LatentActionModel
from playworld.models.base import DynamicsModel, Tokenizer
from playworld.models.batch_invariance import row_by_row, tiled_rows
from playworld.models.kv_cache import KVCache
from playworld.models.motion.canvas import Canvas
from playworld.models.motion.dynamics import MotionDynamics, MotionDynamicsConfig
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.pixels import to_float
from playworld.world.arguments import check_actions, check_tokens, check_video
from playworld.world.token_sampler import token_sampler_of
from playworld.world.traced_passes import Passes, Run


class WorldModels:
    """Video tokenizer, latent action model and dynamics that belong together."""

    rows_per_pass: int | None = None
    """Most sessions that a pass computes at once; None for as many as there are."""

    def __init__(
        self, tokenizer: Tokenizer, actions: LatentActionModel, dynamics: DynamicsModel
    ) -> None:
        self.tokenizer, self.actions, self.dynamics = tokenizer, actions, dynamics
        self.token_sampler = token_sampler_of(tokenizer.config, dynamics.config)

    def named(self) -> dict[str, nn.Module]:
        """The models by name."""
        return {"tokenizer": self.tokenizer, "actions": self.actions, "dynamics": self.dynamics}

    def passes(self, run: Run | None) -> Passes:
        """The passes of a frame; for `run` see `TracedFunction`."""
        return Passes(self.dynamics, self.tokenizer, run)

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        return next(self.dynamics.parameters()).device

    @property
    def sha256(self) -> str:
        """Hash of all weights."""
        models = self.named().items()
        return params_sha256(
            {f"{name}.{k}": v for name, m in models for k, v in m.state_dict().items()}
        )

    def to(self, device: str | torch.device) -> None:
        """Move the models; "auto" selects the GPU if there is one.

        Raises:
            InputError: if there is no such device, or it lacks the memory.
        """
        device = choose_device("auto") if device == "auto" else device
        models = self.named().values()
        try:
            for model in models:
                model.to(device)
        except torch.OutOfMemoryError as error:
            needed = sum(t.nbytes for model in models for t in model.state_dict().values()) / 1e9
            raise InputError(
                f"this world needs {needed:.1f} GB on {str(device)!r}, which has no room for it"
            ) from error
        except (RuntimeError, AssertionError) as error:
            raise InputError(f"cannot use device {str(device)!r}: {error}") from error

    def half(self) -> None:
        """Round the weights of the dynamics and of the picture decoder to bfloat16, in place."""
        self.dynamics.to(torch.bfloat16)
        self.tokenizer.round_decoder(torch.bfloat16)

    def video(self, video: Tensor, least: int) -> Float[Tensor, "B T H W 3"]:
        """At least `least` frames in uint8 as the models take them: in [0, 1], on their device.

        Raises:
            InputError: if they are not of the world's size.
        """
        config = self.tokenizer.config
        return to_float(check_video(video, least, config.height, config.width).to(self.device))

    def embed_actions(self, actions: Any, batch: int) -> Float[Tensor, "B E"]:
        """The latents of the buttons of `batch` sessions.

        Raises:
            InputError: if an action is outside 0 to |A| - 1, or there is not one per session.
        """
        numbers = check_actions(actions, batch, self.actions.config.num_actions)
        return self.actions.embed(numbers.to(self.device, torch.long))

    def tokens(self, tokens: Tensor, batch: int) -> Int[Tensor, "B L"]:
        """Tokens of a frame of `batch` sessions, on the device of the models.

        Raises:
            InputError: if this world cannot have them.
        """
        return check_tokens(tokens, batch, self.tokenizer.config.vocabularies, self.device)

    def nothing_hidden(self, batch: int) -> Bool[Tensor, "B P"]:
        """The mask of a frame whose tokens are all decided."""
        return torch.zeros_like(self.token_sampler.blank(batch, self.device)[1])

    def encode_prompt(self, video: Float[Tensor, "B T H W 3"]) -> Int[Tensor, "B T L"]:
        """Tokens of prompt frames."""
        if not isinstance(self.tokenizer, MotionTokenizer):
            return self.tokenizer.encode(video)
        return row_by_row(self.tokenizer.encode_pairs, video)

    def prompt_actions(self, video: Float[Tensor, "B T H W 3"]) -> Float[Tensor, "B S E"]:
        """The latents of the actions between prompt frames."""
        return self.actions.embed(self.infer_actions(tiled_rows(video))[: len(video)])

    def infer_actions(self, video: Float[Tensor, "B T H W 3"]) -> Int[Tensor, "B S"]:
        """The latent action of every transition, from pixels or from the codes of the tokens."""
        if self.actions.config.tokens is not None:
            video = self.tokenizer.code_grid(self.encode_prompt(video))
        return self.actions.encode(video)

    def picture_features(
        self, decoder: KVCache | Canvas, tokens: Int[Tensor, "B L"] | None = None
    ) -> Float[Tensor, "B N D"] | None:
        """Features of the last picture, for dynamics of changes; None for other dynamics.

        Args:
            decoder: the state of the tokenizer's decoder.
            tokens: of the next frame, once the motion of the scene is decided.
        """
        if not (isinstance(decoder, Canvas) and isinstance(self.dynamics, MotionDynamics)):
            return None
        assert isinstance(self.tokenizer, MotionTokenizer)
        features = self.dynamics.picture_features
        pictures = [self.tokenizer.layers_in_view(decoder), decoder.flight]
        if tokens is not None and self.sees_motion:
            pictures.append(self.tokenizer.moved_scene(decoder, tokens))
        return row_by_row(lambda *rows: features(*(row[:, None] for row in rows))[:, 0], *pictures)

    @property
    def sees_motion(self) -> bool:
        """Whether `picture_features` change once the motion of the scene is decided."""
        config = self.dynamics.config
        return isinstance(config, MotionDynamicsConfig) and config.moved_picture

"""The two kinds of tokens: frames (the paper), and changes from frame to frame.

Each kind has a tokenizer and a dynamics model that know each other; all else treats both alike.
"""

import math
from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from playworld.models.base import DynamicsModel, Tokenizer
from playworld.models.dynamics import Dynamics, DynamicsConfig
from playworld.models.motion.changes import Changes
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.dynamics import MotionDynamics, MotionDynamicsConfig
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.tokenizer import TokenizerConfig, VideoTokenizer

AnyTokenizerConfig = MotionTokenizerConfig | TokenizerConfig
AnyDynamicsConfig = MotionDynamicsConfig | DynamicsConfig


def build_tokenizer(config: AnyTokenizerConfig) -> Tokenizer:
    """The tokenizer of this shape, with fresh weights."""
    if isinstance(config, MotionTokenizerConfig):
        return MotionTokenizer(config)
    return VideoTokenizer(config)


def build_dynamics(config: AnyDynamicsConfig) -> DynamicsModel:
    """The dynamics model of this shape, with fresh weights."""
    if isinstance(config, MotionDynamicsConfig):
        return MotionDynamics(config)
    return Dynamics(config)


def fitted_dynamics(config: AnyDynamicsConfig, tokenizer: AnyTokenizerConfig) -> AnyDynamicsConfig:
    """The same dynamics for frames of the tokenizer's size."""
    if isinstance(config, MotionDynamicsConfig):
        return replace(config, height=tokenizer.height, width=tokenizer.width)
    return replace(config, num_tokens=tokenizer.num_tokens)


def frame_bits(tokens: Int[Tensor, "B T L"], config: AnyTokenizerConfig) -> Float[Tensor, "B T"]:
    """Bits of every frame in numbers of fixed length.

    Of changes: the scene's motion; of each block whether it follows, or else its motion; whether it
    is split, and then four choices; whether it is new, and then its codes, each with a flag that
    says whether another one follows.
    """
    if not isinstance(config, MotionTokenizerConfig):
        every = config.num_tokens * math.log2(config.num_codes)
        return torch.full(tokens.shape[:2], every)
    changes, motion = Changes.unpack(tokens, config.num_blocks), math.log2(config.num_motions)
    own = 1 + motion * (changes.motion > 0)
    split = 1 + 12 * (changes.split > 0)
    codes = (1 + math.log2(config.content.num_codes)) * (changes.codes > 0).sum(-1)
    return math.log2(config.num_scenes) + (own + split + 1 + codes).sum(-1)


def disagreements(
    tokenizer: AnyTokenizerConfig, dynamics: AnyDynamicsConfig
) -> dict[str, tuple[object, object]]:
    """What the two say of the same thing, by the names of both: each pair must be equal."""
    if isinstance(tokenizer, MotionTokenizerConfig) and isinstance(dynamics, MotionDynamicsConfig):
        names = ("height", "width", "patch", "reach", "stages", "keeps_scene")
        pairs: dict[str, tuple[object, object]] = {
            f"dynamics.{name} and tokenizer.{name}": (
                getattr(dynamics, name),
                getattr(tokenizer, name),
            )
            for name in names
        }
        codes = dynamics.num_contents, tokenizer.content.num_codes
        return pairs | {"dynamics.num_contents and tokenizer.content.num_codes": codes}
    if not (isinstance(tokenizer, TokenizerConfig) and isinstance(dynamics, DynamicsConfig)):
        kinds = isinstance(dynamics, DynamicsConfig), isinstance(tokenizer, TokenizerConfig)
        return {"the kinds of dynamics and tokenizer (tokens of frames, or of changes)": kinds}
    return {
        "dynamics.num_tokens and the tokenizer's (by height, width, patch)": (
            dynamics.num_tokens,
            tokenizer.num_tokens,
        ),
        "dynamics.factors and the tokenizer's": (dynamics.factors, tokenizer.factors),
        "dynamics.num_codes and the tokenizer's": (dynamics.num_codes, tokenizer.num_codes),
    }

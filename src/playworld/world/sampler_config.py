"""How the tokens of a frame are sampled: settings and schedule. Imports nothing heavy."""

import math
from dataclasses import dataclass
from typing import Literal

from playworld.config import check_ranges

Order = Literal["random", "halton", "confidence"]
"""In which tokens of a frame are decided."""
SCENE_PASS = 0
"""Number of the pass that decides the motion of the scene; refinement k is then pass k + 1."""


@dataclass(frozen=True)
class SamplerConfig:
    """How the tokens of a frame are sampled."""

    steps: int = 4
    """Refinements per frame, S (the paper: 25)."""
    temperature: float = 0.25
    """Divides the logits, the same in every refinement; 0 takes the most likely token. The paper
    uses 2, and 1 for CoinRun; low values give a better PSNR."""
    order: Order = "random"
    """Which tokens are decided first: "random" (the paper), "halton", spread evenly over the
    picture (arXiv:2503.17076), or "confidence" (MaskGIT), which in video tends to copy the last
    frame."""
    confidence_noise: float = 4.5
    """Gumbel noise on the confidence, annealed to 0 over the refinements (MaskGIT's value)."""

    def __post_init__(self) -> None:
        check_ranges(self, steps=(1, 64), temperature=(0, 100), confidence_noise=(0, 100))


def tokens_fixed(step: int, steps: int, N: int) -> int:
    """Tokens of a frame decided once refinement `step` (0-based) of `steps` is done.

    The cosine schedule of MaskGIT (arXiv:2202.04200, section 3.2): few at first, all N after the
    last.
    """
    if not 0 <= step < steps:
        raise ValueError(f"step must be in [0, {steps}), got {step}")
    # Exactly 1.0 at the end: pi/2 * (step+1) / steps can pass pi/2, and floor would give N + 1.
    progress = (step + 1) / steps
    return N - int(N * math.cos(math.pi / 2 * progress))


def refinements(steps: int, N: int) -> list[int]:
    """The refinements (0-based) that decide a token: the others need not be computed."""
    fixed = [0, *(tokens_fixed(step, steps, N) for step in range(steps))]
    return [step for step in range(steps) if fixed[step + 1] > fixed[step]]


def frame_passes(steps: int, N: int, has_scene: bool) -> list[int]:
    """Numbers of the passes that decide something: the refinements, after that of a scene."""
    found = refinements(steps, N)
    return [SCENE_PASS, *(step + 1 for step in found)] if has_scene else found

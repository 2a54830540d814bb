"""Options of an evaluation: how much is measured, and how the world samples."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from playworld.config import InputError, check_counts
from playworld.world.sampler_config import Order

STARTS = 50
"""Starts that a button is tried from."""
I3D_FRAMES = 10
"""Fewest frames that I3D takes."""
Camera = Literal["follows", "fixed", "mixed"]
"""Of a character, of a scene before which things move, or of each clip its own."""
AT_LEAST_ONE = (
    *("num_clips", "prompt_frames", "horizon", "batch_size", "button_starts"),
    *("speed_frames", "long_frames", "away"),
)
NOT_NEGATIVE = (
    *("long_rollouts", "arm_clips", "return_starts", "physics_starts", "look_starts", "seed"),
)


@dataclass(frozen=True)
class EvaluateOptions:
    """How much is measured, and how the world samples."""

    num_clips: int = 64
    """Held-out clips; fewer where the data has fewer that do not overlap."""
    prompt_frames: int = 4
    """True frames that start a rollout; never scored."""
    horizon: int = 16
    """Frames generated after each prompt."""
    seed: int = 0
    """Chooses clips, random actions, sampler noise and bootstrap."""
    batch_size: int = 16
    """Clips generated together."""
    arm_clips: int = 32
    """Clips that are generated with shuffled and with shifted actions too; 0 leaves both out."""
    button_starts: int = STARTS
    """Starts on level ground from which every button is pressed."""
    return_starts: int = 16
    """Of those, starts from which the player leaves and comes back; 0 leaves it out."""
    away: int = 8
    """Presses that lead away, and as many that lead back."""
    physics_starts: int = STARTS
    """Of those, starts from which jumps have to land and buttons are held for long; 0 leaves both
    out."""
    look_starts: int = 16
    """Of those, starts from which the look of the prompt has to last; 0 leaves it out."""
    long_rollouts: int = 20
    """Rollouts of long play, from such starts too; 0 leaves long play out."""
    long_frames: int = 200
    """Frames of each."""
    speed_frames: int = 50
    """Frames timed one at a time."""
    camera: Camera | Literal["auto"] = "auto"
    """Whether the camera follows the player, is fixed, or either by clip; auto looks at the
    clips."""
    i3d: Path | None = None
    """TorchScript file of I3D, for FVD."""
    lpips: Path | None = None
    """TorchScript file of LPIPS."""
    steps: int | None = None
    """MaskGIT steps per frame; the world's own without it."""
    temperature: float | None = None
    """Sampling temperature; the world's own without it."""
    order: Order | None = None
    """Order in which tokens are decided; the world's own without it."""

    def __post_init__(self) -> None:
        for least, names in ((1, AT_LEAST_ONE), (0, NOT_NEGATIVE)):
            for name in names:
                if getattr(self, name) < least:
                    raise InputError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if self.seed >= 2**63:
            raise InputError(f"seed must be below 2^63, got {self.seed}")
        if self.i3d is not None and self.horizon < I3D_FRAMES:
            raise InputError(
                f"I3D needs at least {I3D_FRAMES} frames: give a horizon of as many, "
                f"got {self.horizon}"
            )

    @staticmethod
    def brief(**options: Any) -> "EvaluateOptions":
        """These options, with all that takes long left out unless it is among them."""
        long = ("arm_clips", "return_starts", "physics_starts", "look_starts", "long_rollouts")
        return EvaluateOptions(**(dict.fromkeys(long, 0) | options))

    @property
    def length(self) -> int:
        """Frames of a held-out clip: the prompt and what follows it."""
        return self.prompt_frames + self.horizon


@dataclass(frozen=True)
class GalleryOptions:
    """What is drawn."""

    presses: int = 4
    """Times that a button is pressed in the pictures of buttons."""
    starts: int = 4
    """Rows of the picture with all buttons."""
    prompt: str | None = None
    """Name of the prompt that the trajectories start from; the first without it."""
    frames: int = 8
    """Frames of a trajectory that are shown."""
    every: int = 2
    """Frames played from one that is shown to the next."""
    seed: int = 0
    """Sampler noise, and the random trajectory."""

    def __post_init__(self) -> None:
        check_counts(self, "presses", "starts", "frames", "every")

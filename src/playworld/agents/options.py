"""What `playworld agent` can be asked for. Imports nothing heavy."""

import math
from dataclasses import dataclass
from typing import Literal

from playworld.config import InputError, check_counts
from playworld.data.record.games import LEVELS_PER_SEED, MAX_SEED, levels

Kind = Literal["cnn", "st"]


@dataclass(frozen=True)
class CloneOptions:
    """How a policy is cloned."""

    kind: Kind = "cnn"
    """cnn: a small one over stacked frames; st: the paper's ST-transformer, slower."""
    frames: int = 2
    """Frames that the policy sees, the newest included."""
    steps: int = 2_000
    """Optimizer steps."""
    batch_size: int = 64
    """Transitions per step."""
    learning_rate: float = 1e-3
    """Peak learning rate."""
    shift: int = 0
    """Pixels by which pictures are moved at random while it learns, 0 for none: helps where there
    are few demonstrations, and blurs where things are."""
    minutes: float | None = None
    """Minutes of demonstrations to use; all if not given."""
    device: str = "auto"
    """cpu, cuda (cuda:1 for the second GPU), mps (a Mac's), or auto: the GPU if there is one."""

    def __post_init__(self) -> None:
        if min(self.steps, self.batch_size, self.frames) < 1:
            raise InputError("steps, batch_size and frames should be above 0")
        if not 0 < self.learning_rate < 1:
            raise InputError(f"learning_rate must be above 0, below 1, got {self.learning_rate}")
        if self.shift < 0:
            raise InputError(f"shift should be 0 or more, got {self.shift}")
        if self.minutes is not None and not self.minutes > 0:
            raise InputError(f"minutes should be above 0, got {self.minutes:g}")


@dataclass(frozen=True)
class PlannerOptions:
    """How far ahead is looked, and how long."""

    horizon: int = 12
    """Presses of a plan at most; it ends where it is closest to the goal."""
    hold: int = 2
    """Presses that a button is kept for: buttons pressed once each lead nowhere far."""
    candidates: int = 32
    """Sequences tried in each round."""
    elites: int | None = None
    """The best of them, after which the next are drawn; one in five if not given."""
    rounds: int = 4
    """Times that sequences are drawn."""
    smoothing: float = 0.2
    """Share of the old chances that a round keeps: without it a button once lost stays lost."""
    steps: int | None = None
    """MaskGIT steps per frame; the world's own without it."""
    seed: int = 0
    """Draws the sequences, and is the world's noise."""

    def __post_init__(self) -> None:
        check_counts(self, "horizon", "hold", "candidates", "elites", "rounds")
        if self.steps is not None and not 1 <= self.steps <= 1000:
            raise InputError(f"steps must be from 1 to 1000, got {self.steps}")
        if self.seed < 0:
            raise InputError(f"seed must be 0 or more, got {self.seed}")
        if self.elites is not None and self.elites > self.candidates:
            raise InputError(f"elites ({self.elites}) must be among {self.candidates} candidates")
        if not 0 <= self.smoothing < 1:
            raise InputError(f"smoothing must be from 0 to below 1, got {self.smoothing}")

    @property
    def kept(self) -> int:
        """Elites: those asked for, or one candidate in five, and at least one."""
        return self.elites or max(1, self.candidates // 5)

    @property
    def choices(self) -> int:
        """Buttons chosen for one plan, each held."""
        return -(-self.horizon // self.hold)


@dataclass(frozen=True)
class PPOOptions:
    """How an agent is trained within a world."""

    minutes: float = 15.0
    """Time for training."""
    total_timesteps: int | None = None
    """Presses after which it ends earlier; equal seeds and numbers give equal agents."""
    episodes: int = 16
    """Played side by side, as one batch."""
    presses: int = 16
    """Length of an episode: dreams drift, so they are short. The agent learns after each."""
    frames: int = 3
    """Newest frames that the agent sees."""
    prompts: int = 256
    """Moments of the clips that episodes start from."""
    prompt_frames: int = 4
    """Frames of each."""
    steps: int | None = 1
    """MaskGIT steps per frame; None takes the world's own."""
    n_epochs: int = 6
    """Epochs over the same episodes: those of a world cost more than learning."""
    learning_rate: float = 1e-3
    """Of Adam."""
    gamma: float = 0.95
    """Discount factor: share of a later reward that counts one press earlier."""
    entropy: float = 0.01
    """Weight of the bonus for trying other buttons."""
    seed: int = 0
    """Chooses prompts, episodes, weights."""

    def __post_init__(self) -> None:
        check_counts(self, "episodes", "presses", "frames", "prompts", "prompt_frames", "n_epochs")
        check_counts(self, "total_timesteps")
        if self.steps is not None and not 1 <= self.steps <= 1000:
            raise InputError(f"steps must be from 1 to 1000, got {self.steps}")
        if self.seed < 0:
            raise InputError(f"seed must be 0 or more, got {self.seed}")
        if not 0 < self.learning_rate < 1:
            raise InputError(f"learning_rate must be above 0, below 1, got {self.learning_rate}")
        if not self.minutes > 0:
            raise InputError(f"minutes must be above 0, got {self.minutes}")
        if not 0 <= self.gamma < 1:
            raise InputError(f"gamma must be from 0 to below 1, got {self.gamma}")
        if not 0 <= self.entropy < math.inf:
            raise InputError(f"entropy must be 0 or more, got {self.entropy}")
        if self.episodes * self.presses < 2:
            raise InputError("one press is too few to learn from: more episodes or presses")


@dataclass(frozen=True)
class ArenaOptions:
    """Which levels are played, for how long, and how the game looks."""

    difficulty: Literal["easy", "hard"] = "easy"
    """Procgen's distribution mode."""
    seed: int = 0
    """Chooses the levels. A seed that was never recorded gives levels that nothing has seen."""
    games: int = 100
    """Levels, played side by side."""
    max_steps: int = 500
    """Presses after which a game counts as lost."""
    hold: int = 2
    """Game steps that a press is held for: 2 are one frame of a world at 10 frames per second."""
    backgrounds: bool = False
    """Whether the game draws its background pictures."""
    themes: Literal["one", "all"] = "one"
    """One look of walls and figures, or all that the game has."""

    @property
    def played(self) -> range:
        """The levels."""
        first = levels(self.seed).start
        return range(first, first + self.games)

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"seed must be in 0..{MAX_SEED}, got {self.seed}")
        if not 1 <= self.games <= LEVELS_PER_SEED:
            raise InputError(f"games must be in 1..{LEVELS_PER_SEED}, got {self.games}")
        if self.max_steps < 1:
            raise InputError(f"max_steps must be 1 or more, got {self.max_steps}")
        if self.hold < 1:
            raise InputError(f"hold must be 1 or more, got {self.hold}")

"""Options of the studies. Imports nothing heavy."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playworld.agents.options import ArenaOptions
from playworld.config import InputError, check_counts

TABLES = (
    "tokens",
    "optimizer",
    "context",
    "masking",
    "corrupt",
    "held",
    "codes",
    "view",
    "input",
    "time",
    "tokenizer",
)
"""What `playworld ablate` can compare; each is a table of `studies/tables.py`."""
HEADS = (48, 64, 32, 16)
"""Features of a head: the first of these that divides the width."""


@dataclass(frozen=True)
class AblateOptions:
    """Options of `playworld ablate`. All rows share them, and the clips."""

    clips: Path | None = None
    """Folder that `playworld ingest` wrote; CoinRun is recorded below OUT if not given."""
    episodes: int = 150
    """Episodes to record where no clips are given."""
    tokenizer_steps: int = 300
    """Steps of each tokenizer."""
    world_steps: int = 250
    """Steps of each world; with the default, 8 to 12 minutes of one core."""
    seeds: int = 1
    """Repeats of every row, each with its own seed."""
    num_clips: int = 48
    """Held-out clips that each world is measured on."""
    rows: tuple[str, ...] = ()
    """Only the rows whose name begins so; all if not given."""

    def __post_init__(self) -> None:
        check_counts(self, "episodes", "tokenizer_steps", "world_steps", "seeds", "num_clips")


@dataclass(frozen=True)
class ScaleOptions:
    """Options of `playworld scale`. All rows share clips, tokens and latent actions."""

    world: str = "coinrun"
    """Whose tokenizer and latent actions are used: a folder, a built-in name, or owner/name."""
    sizes: tuple[str, ...] = ("48x2", "96x2", "144x3", "192x4", "288x5")
    """Dynamics to train, as WIDTHxBLOCKS; from 0.16 to 5.6 million parameters."""
    batches: tuple[int, ...] = (2, 4, 8, 16)
    """Clips per step to try with the size in the middle."""
    batch_size: int = 4
    """Clips per step of all sizes."""
    tokens: int = 1_000_000
    """Tokens of video that each row trains on; with the default, an hour of one core in all."""
    seeds: int = 1
    """Repeats of every row, each with its own seed."""
    held_out: int = 64
    """Held-out clips that the loss is measured on."""
    device: str = "auto"
    """Where to train: cpu, cuda (cuda:1 for the second), mps (a Mac's GPU), or auto."""

    def __post_init__(self) -> None:
        check_counts(self, "batch_size", "tokens", "seeds", "held_out")
        if not self.sizes or min(self.batches, default=1) < 1:
            raise InputError("scale needs a size, and batches of at least 1 clip")
        for size in self.sizes:
            shape_of(size)


@dataclass(frozen=True)
class CloningOptions:
    """What is played, and how often."""

    difficulty: Literal["easy", "hard"] = "easy"
    """Of the levels; a second call with the other one adds to the same table and figure."""
    samples: tuple[int, ...] = (0, 10, 50, 200, 1_000)
    """Labelled transitions of the expert that make a dictionary, an arm each; 0: a random map."""
    seeds: int = 5
    """Policies of each kind of label; every seed has its own labelled transitions and levels."""
    games: int = 100
    """Levels that every arm plays with every seed."""
    levels: int = 900
    """Levels of the first seed, as the seed of a recording that was never made; the next seeds play
    those of the numbers after it."""
    max_steps: int = 500
    """Presses after which a game counts as lost; Procgen itself ends it then."""
    temperature: float = 0.5
    """Of a policy's choices: 1 draws as it learned to, 0 takes the likeliest."""
    moves: Literal["commonest", "drawn"] = "commonest"
    """Which of the moves that were seen with a latent action it stands for: the commonest, or one
    that is drawn at every press, as in the paper."""

    def __post_init__(self) -> None:
        if not 2 <= self.seeds <= 10:
            raise InputError(f"an interval needs 2 to 10 seeds, got {self.seeds}")
        if not self.samples or min(self.samples) < 0:
            raise InputError(f"samples should be 0 or more, got {self.samples}")
        if not 0 <= self.temperature < math.inf:
            raise InputError(f"temperature should be 0 or more, got {self.temperature:g}")
        for seed in range(self.seeds):
            self.arena(seed, hold=1)

    def arena(self, seed: int, hold: int) -> ArenaOptions:
        """The levels of one seed; a press is held for so many steps of the game."""
        return ArenaOptions(
            difficulty=self.difficulty,
            seed=self.levels + seed,
            games=self.games,
            max_steps=self.max_steps,
            hold=hold,
        )


@dataclass(frozen=True)
class GoalOptions:
    """Which goals are sought."""

    starts: int = 16
    """Held-out moments on level ground to start from."""
    goal_presses: int = 9
    """Presses after which the goal picture was seen."""
    goal_hold: int = 3
    """Presses that each of the random buttons on the way there was held for."""
    reached: float = 15.0
    """PSNR, dB, from which a goal counts as reached."""

    def __post_init__(self) -> None:
        if self.starts < 2:
            raise InputError(f"starts: an interval needs 2, got {self.starts}")
        check_counts(self, "goal_presses", "goal_hold")


@dataclass(frozen=True)
class TransferOptions:
    """How the trained agent is tried."""

    starts: int = 24
    """Held-out moments from which it plays within the world."""
    games: int = 200
    """Levels of the real game that it plays."""
    levels: int = 950
    """Which levels, as the seed of a recording that was never made."""
    difficulty: Literal["easy", "hard"] = "easy"
    """Of the levels."""
    max_steps: int = 100
    """Presses after which a game is ended."""
    labels: int = 200
    """Transitions of the clips with known moves, from which the dictionary is filled."""

    def __post_init__(self) -> None:
        for name in ("starts", "games"):
            if getattr(self, name) < 2:
                raise InputError(f"{name}: an interval needs 2, got {getattr(self, name)}")
        check_counts(self, "labels")
        self.arena(hold=1)

    def arena(self, hold: int) -> ArenaOptions:
        """The games; a press is held for so many of their steps."""
        return ArenaOptions(
            difficulty=self.difficulty,
            seed=self.levels,
            games=self.games,
            max_steps=self.max_steps,
            hold=hold,
        )


def shape_of(size: str) -> tuple[int, int, int]:
    """Width, blocks and features of a head of WIDTHxBLOCKS.

    Raises:
        InputError: where it is no such thing, or no heads fit.
    """
    width, cross, blocks = size.partition("x")
    if not (cross and width.isdigit() and blocks.isdigit() and int(blocks) > 0):
        raise InputError(f"a size is WIDTHxBLOCKS, such as 192x4, got {size!r}")
    for features in HEADS:
        if int(width) and int(width) % features == 0:
            return int(width), int(blocks), features
    raise InputError(f"the width must divide by one of {HEADS}, got {size!r}")

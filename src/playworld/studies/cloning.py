"""Behavioural cloning as a study: what an agent that learned from video solves in the real game.

Arms (Genie, appendix E): a policy of latent actions whose choices a dictionary of n labelled
transitions translates; the oracle, cloned on the true actions; players that learned nothing.
"""

import json
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playworld.agents.arena import Arena
from playworld.agents.clone import CloneOptions, CloningDataset, clone, label
from playworld.agents.dictionary import Dictionary, known_moves
from playworld.agents.matching import hold_of, refuse_games
from playworld.agents.moves import MOVES, NAMES
from playworld.agents.policy import Meaning, Policy
from playworld.agents.trial import (
    Player,
    play_games,
    policy_player,
    random_player,
    steady_player,
)
from playworld.atomic import may_be_ignored, write_whole
from playworld.config import InputError, to_dict
from playworld.data.clips.dataset import ClipDataset
from playworld.data.clips.split_names import SPLITS
from playworld.manifest import refuse_sealed
from playworld.progress import ProgressFor
from playworld.studies.options import CloningOptions
from playworld.train.loop import NonFinite
from playworld.train.runs import other_inputs
from playworld.world import World

STEADY = MOVES[NAMES.index("right-up")]
"""The best of the moves to hold all the time."""


@dataclass(frozen=True)
class Arm:
    """One way to play."""

    name: Literal["random", "steady", "oracle", "latent"]
    samples: int | None = None
    """Of "latent"."""

    @property
    def stem(self) -> str:
        """What its files are called."""
        return self.name if self.samples is None else f"{self.name}-{self.samples:05d}"


def arms(options: CloningOptions) -> list[Arm]:
    """All of a study, in the order of its table."""
    latent = [Arm("latent", n) for n in sorted(set(options.samples))]
    return [Arm("random"), Arm("steady"), *latent, Arm("oracle")]


@dataclass(frozen=True, eq=False)
class CloningStudy:
    """Makes what the arms of one difficulty need, when they need it, and keeps it in a folder."""

    world: World
    clips: Path
    folder: Path
    options: CloningOptions
    recipe: CloneOptions
    hold: int
    """Game steps that a press is held for."""
    progress_for: ProgressFor
    _datasets: dict[Meaning, CloningDataset] = field(default_factory=dict)

    def dataset(self, meaning: Meaning) -> CloningDataset:
        """The expert's transitions with labels of one kind."""
        if meaning not in self._datasets:
            self._datasets[meaning] = label(self.clips, self.world, meaning, self.recipe.minutes)
        return self._datasets[meaning]

    def policy(self, meaning: Meaning, seed: int) -> Policy:
        """The clone of one seed: the one that lies there, or a new one."""
        path = self.folder / "policies" / f"{meaning}-{seed}"
        if path.is_dir():
            return Policy.load(path)
        progress = self.progress_for(f"clone {meaning}, seed {seed}")
        try:
            return clone(self.dataset(meaning), path, self.recipe, seed, progress)
        except NonFinite as error:
            raise NonFinite(f"{error}; a study with another one is made in another OUT") from None

    def dictionary(self, samples: int, seed: int) -> Dictionary:
        """From so many labelled transitions; those of fewer samples are among them."""
        codes = self.dataset("latent").train.labels
        moves = self.dataset("true").train.labels
        found = Dictionary.drawn(codes, moves, samples, self.world.num_actions, seed)
        return found.commonest() if self.options.moves == "commonest" else found

    def player(self, arm: Arm, seed: int) -> tuple[Player, int]:
        """The player of an arm, and how many frames it gets."""
        if arm.name == "random":
            return random_player(seed), 1
        if arm.name == "steady":
            return steady_player(STEADY), 1
        meaning: Meaning = "latent" if arm.name == "latent" else "true"
        policy = self.policy(meaning, seed)
        dictionary = None if arm.samples is None else self.dictionary(arm.samples, seed)
        player = policy_player(policy, dictionary, seed, self.options.temperature)
        return player, policy.config.frames

    def check_samples(self) -> None:
        """Raise InputError where there are fewer labelled transitions than are still to be drawn.

        Checked before any policy is cloned, which takes long.
        """
        played = [(arm, seed) for seed in range(self.options.seeds) for arm in arms(self.options)]
        needed = [arm.samples or 0 for arm, seed in played if not self.path(arm, seed).is_file()]
        if max(needed, default=0):
            known_moves(self.dataset("true").train.labels, max(needed))

    def path(self, arm: Arm, seed: int) -> Path:
        """The file of an arm's result with one seed."""
        return self.folder / f"{arm.stem}-seed{seed}.json"

    def result(self, arm: Arm, seed: int) -> dict[str, Any]:
        """How an arm went with one seed: read, or played and written."""
        path = self.path(arm, seed)
        if path.is_file():
            return json.loads(path.read_text())
        player, frames = self.player(arm, seed)
        with closing(Arena(self.options.arena(seed, self.hold))) as arena:
            outcome = play_games(arena, player, frames)
        found = {
            "difficulty": self.options.difficulty,
            "arm": arm.name,
            "samples": arm.samples,
            "seed": seed,
            "solved": outcome.solved.astype(int).tolist(),
            "presses": outcome.presses.tolist(),
        }
        write_whole(path, json.dumps(found) + "\n")
        return found


def study(
    world: World,
    clips: Path,
    out: Path,
    options: CloningOptions,
    recipe: CloneOptions,
    progress_for: ProgressFor,
) -> list[dict[str, Any]]:
    """Play all arms with all seeds; what lies in `out` already is not played again.

    More samples and more seeds can be added to a study later: every arm and seed has its own file.

    Returns:
        The results of every difficulty that lies there.

    Raises:
        InputError: where `out` holds a study of other clips, worlds or options, or is no folder for
            one; where world, clips and game do not go together (`playworld.agents.matching`), or
            more labelled transitions are asked for than there are.
        NonFinite, Preempted: see `playworld.agents.clone.clone`.
    """
    refuse_sealed(out)
    hold = hold_of(world, clips)
    refuse_games(clips, (options.arena(seed, hold) for seed in range(options.seeds)))
    made = CloningStudy(world, clips, out / options.difficulty, options, recipe, hold, progress_for)
    made.check_samples()
    own = {f"{s} clips": ClipDataset(clips, s, 1).sha256 for s in SPLITS}
    game, how = to_dict(options), to_dict(recipe)
    for name in ("samples", "seeds", "difficulty"):
        del game[name]
    del how["device"]
    claim(out, options.difficulty, {"world": world.sha256, **game, **how}, own)
    progress = progress_for(f"{options.difficulty} levels")
    whole = [(arm, seed) for seed in range(options.seeds) for arm in arms(options)]
    for done, (arm, seed) in enumerate(whole, start=1):
        found = made.result(arm, seed)
        share = sum(found["solved"]) / len(found["solved"])
        progress(done, len(whole), f"seed {seed}, {arm.stem} solved {share:.0%}")
    paths = (path for path in out.glob("*/*-seed*.json") if not may_be_ignored(path.name))
    return [json.loads(path.read_text()) for path in sorted(paths)]


def claim(out: Path, difficulty: str, shared: dict[str, Any], own: dict[str, Any]) -> None:
    """Begin the half of one difficulty, or go on with it.

    Each half has a file of all that it was begun with: the halves of one table share a world, the
    options of the game and the recipe, and have clips of their own.

    Raises:
        InputError: where a half was begun with other inputs than these.
    """
    own, half = {"difficulty": difficulty, **own}, out / difficulty
    beside = out / ("hard" if difficulty == "easy" else "easy")
    if (beside / "inputs.json").is_file():
        other = other_inputs(beside, shared | own)
        _refuse_other(beside, [name for name in other if name not in own])
    _refuse_other(half, other_inputs(half, shared | own))


def _refuse_other(half: Path, other: list[str]) -> None:
    if other:
        raise InputError(
            f"{half} was begun with other {', '.join(other)}: name another folder than "
            f"{half.parent}, or remove it to start again"
        )

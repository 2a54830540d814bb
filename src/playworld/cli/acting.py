"""The command for agents: clone one from an expert's video, plan or learn within a world."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from rich.console import Console
from tyro.conf import (
    CascadeSubcommandArgs,
    OmitArgPrefixes,
    OmitSubcommandPrefixes,
    Positional,
    configure,
)

from playworld.agents.options import CloneOptions, PlanOptions, PPOOptions
from playworld.cli.bars import Bars, say
from playworld.cli.verb import FLAT, PREEMPTED, Ended, Verb, endings
from playworld.studies.options import CloningOptions, GoalOptions, TransferOptions
from playworld.words import counted


@dataclass(frozen=True, kw_only=True)
class Clone:
    """Clone a policy from an expert's clips, on a world's latent actions or the true ones."""

    example: ClassVar[str] = "playworld agent clone coinrun clips policy --minutes 10"

    world: Positional[str]
    """A world: a folder, a built-in name, or owner/name on the Hub; it finds the latent
    actions."""
    clips: Positional[Path]
    """Folder that `playworld ingest` wrote from videos of the expert."""
    policy: Positional[Path]
    """Folder for the policy. One that the same inputs and options made is kept, another one is
    replaced once the new one is finished."""
    labels: Literal["latent", "true"] = "latent"
    """What is cloned: latent actions, which need no action file, or the true ones."""
    seed: int = 0
    """Seed of the weights and of the order."""
    options: Annotated[CloneOptions, FLAT]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.agents.clone import clone, label
        from playworld.agents.policy import WEIGHTS
        from playworld.checkpoint import refuse_foreign
        from playworld.machine import choose_device
        from playworld.world import World

        with endings():
            refuse_foreign(self.policy, [WEIGHTS])
            world = World.load(self.world, choose_device(self.options.device))
            school = label(self.clips, world, self.labels, self.options.minutes)
            made = clone(school, self.policy, self.options, self.seed, bars("clone"))
        told = made.report["measured"]
        say(
            console,
            f"foretells {told['accuracy']:.0%} of "
            f"{counted(told['transitions'], 'held-out choice')} "
            f"(always the commonest: {told['commonest']:.0%}); the policy is in {self.policy}",
        )
        return 0


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Play held-out levels with clones on latent actions, on true ones, and without any.

    Clones policies of its own and makes a table, a figure and one file of results for each arm
    and seed; what is there already is not made again, and more seeds and samples can be added.
    """

    example: ClassVar[str] = "playworld agent evaluate coinrun clips study --seeds 5"
    groups: ClassVar[dict[str, str]] = {
        "what is compared": "samples moves temperature",
        "the games": "difficulty games levels max-steps seeds",
        "how a policy is cloned": "kind frames steps batch-size learning-rate shift minutes",
    }

    world: Positional[str]
    """Folder of a world, a built-in one such as coinrun, or owner/name on the Hugging Face Hub."""
    clips: Positional[Path]
    """Folder that `playworld ingest` wrote from videos of the expert, whose action files still
    lie beside them."""
    out: Positional[Path]
    """Folder for policies, results, table and figure."""
    options: Annotated[CloningOptions, FLAT]
    recipe: Annotated[CloneOptions, FLAT]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.atomic import write_whole
        from playworld.evaluate.page.files import write_picture
        from playworld.machine import choose_device
        from playworld.studies.cloning import study
        from playworld.studies.cloning_figure import draw_cloning
        from playworld.studies.cloning_report import format_scores, scores
        from playworld.world import World

        with endings():
            world = World.load(self.world, choose_device(self.recipe.device))
            made = study(world, self.clips, self.out, self.options, self.recipe, bars)
        found = scores(made)
        write_picture(draw_cloning(found), self.out / "cloning.png")
        write_whole(self.out / "cloning.md", format_scores(found) + "\n")
        say(console, f"{format_scores(found)}\n\nThe figure is {self.out / 'cloning.png'}")
        return 0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Find the buttons that lead from one picture to another within a world."""

    example: ClassVar[str] = "playworld agent plan coinrun start.png goal.png --out plan"

    world: Positional[str]
    """Folder of a world, a built-in one such as coinrun, or owner/name on the Hugging Face Hub."""
    start: Positional[str]
    """A picture file, or the name of one of the world's own prompts."""
    goal: Positional[str]
    """What is to be seen at the end, as such a file or name."""
    out: Path = Path("plan")
    """Folder for plan.png, plan.gif and plan.json."""
    device: str = "auto"
    """Where the world runs: cpu, cuda (cuda:1 for the second), mps (a Mac's GPU), or auto."""
    options: Annotated[PlanOptions, FLAT]

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.agents.plan_film import in_words, open_prompt, write_plan
        from playworld.agents.planner import make_plan
        from playworld.checkpoint import results_folder
        from playworld.machine import choose_device
        from playworld.world import World

        world = World.load(self.world, choose_device(self.device))
        results_folder(self.out)
        start, goal = (open_prompt(world, name) for name in (self.start, self.goal))
        plan = make_plan(world, start[None], goal, self.options)
        write_plan(world, plan, goal, self.out)
        say(console, f"{in_words(world, plan, goal)}\n\nwritten to {self.out}; see plan.png")
        return 0


@dataclass(frozen=True, kw_only=True)
class Goals:
    """Measure planning: from held-out moments to pictures that random presses led to."""

    example: ClassVar[str] = "playworld agent goals coinrun clips out"
    groups: ClassVar[dict[str, str]] = {
        "the goals": "starts goal-presses goal-hold reached",
        "the search": "horizon hold candidates elites rounds smoothing steps seed",
    }

    world: Positional[str]
    """Folder of a world, a built-in one such as coinrun, or owner/name on the Hugging Face Hub."""
    clips: Positional[Path]
    """Folder that `playworld ingest` wrote."""
    out: Positional[Path]
    """Folder for goals.json and goals.png."""
    options: Annotated[GoalOptions, FLAT]
    search: Annotated[PlanOptions, FLAT]
    device: str = "auto"
    """Where the world runs: cpu, cuda (cuda:1 for the second), mps (a Mac's GPU), or auto."""

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.checkpoint import results_folder
        from playworld.machine import choose_device
        from playworld.studies.goals import format_goals, seek_goals
        from playworld.world import World

        world = World.load(self.world, choose_device(self.device))
        results_folder(self.out)
        found = seek_goals(world, self.clips, self.options, self.search, bars("plan"))
        found.write(self.out)
        say(console, f"{format_goals(found.report)}\n\nwritten to {self.out}")
        return 0


@dataclass(frozen=True, kw_only=True)
class Ppo:
    """Train an agent only within a world, then try it in the real game."""

    example: ClassVar[str] = "playworld agent ppo coinrun clips out --minutes 15"
    groups: ClassVar[dict[str, str]] = {
        "how long it learns": "minutes total seed",
        "how it learns": "episodes presses passes learning-rate discount entropy",
        "what it sees": "frames prompts prompt-frames steps",
        "how it is tried": "starts games levels difficulty max-steps labels",
    }

    world: Positional[str]
    """Folder of a world, a built-in one such as coinrun, or owner/name on the Hugging Face Hub."""
    clips: Positional[Path]
    """Folder that `playworld ingest` wrote from recordings of the game: where episodes start,
    and 200 labelled transitions for the dictionary."""
    out: Positional[Path]
    """Folder for agent.zip, transfer.json and curve.png. An agent that the same world, clips
    and options made is tried again, not trained again; another one is replaced."""
    options: Annotated[PPOOptions, FLAT]
    trial: Annotated[TransferOptions, FLAT]
    device: str = "auto"
    """Where the world runs: cpu, cuda (cuda:1 for the second), mps (a Mac's GPU), or auto."""

    def run(self, console: Console, bars: Bars) -> int:
        from playworld.agents.ppo import is_kept
        from playworld.cli import INTERRUPTED
        from playworld.machine import choose_device
        from playworld.studies.transfer import AGENT_FILE, format_transfer, made_from, transfer
        from playworld.world import World

        world = World.load(self.world, choose_device(self.device))
        try:
            report = transfer(world, self.clips, self.out, self.options, self.trial, bars)
        except KeyboardInterrupt:
            if is_kept(self.out / AGENT_FILE, made_from(world, self.clips, self.options)):
                kept = "the agent is trained and kept; the same command goes on with its trial"
                raise Ended(f"stopped; {kept}", PREEMPTED) from None
            raise Ended("stopped; half a training is not kept", INTERRUPTED) from None
        say(console, f"{format_transfer(report)}\n\nwritten to {self.out}")
        return 0


@configure(CascadeSubcommandArgs, OmitArgPrefixes, OmitSubcommandPrefixes)
@dataclass(frozen=True, kw_only=True)
class Agent(Verb):
    """Agents: clone a policy from an expert's video, and see what it solves in the real game."""

    example: ClassVar[str] = "playworld agent clone coinrun clips policy"

    step: Clone | Evaluate | Plan | Goals | Ppo

    def run(self, console: Console, bars: Bars) -> int:
        return self.step.run(console, bars)

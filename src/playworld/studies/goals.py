"""Does planning within a world reach a picture? Beside random presses and the true ones."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from PIL import Image
from torch import Tensor

from playworld.agents.matching import refuse_other_films
from playworld.agents.plan_film import plans_picture
from playworld.agents.planner import ButtonPlan, PlannerOptions, make_plan
from playworld.atomic import folder_at
from playworld.config import InputError, to_dict
from playworld.data.clips.dataset import ClipDataset
from playworld.evaluate.image_quality import PSNR_BOUNDS, psnr
from playworld.evaluate.intervals import interval, share_interval
from playworld.evaluate.page.files import write_picture, write_result
from playworld.evaluate.rollouts import press
from playworld.evaluate.starts import level_starts
from playworld.progress import Progress, silent
from playworld.studies.options import GoalOptions
from playworld.words import counted
from playworld.world import SamplerConfig, World

ROWS = 4
"""Plans that the picture shows."""
SAME = 40.0
"""PSNR, dB, from which two pictures count as the same: a few black skies would rule the mean."""
ARMS = {
    "start": "the start itself",
    "random": "the best of as many random sequences",
    "planned": "the plan",
    "replayed": "the plan, in other noise",
    "true": "the presses that led to the goal, in other noise",
}
"""What is compared, in the order of the table."""


@dataclass(frozen=True)
class GoalsResult:
    """What was found."""

    report: dict[str, Any]
    picture: Image.Image

    def write(self, out: Path) -> None:
        """Write goals.json and goals.png into a folder, which is made if need be."""
        folder_at(out)
        write_picture(self.picture, out / "goals.png")
        write_result(out / "goals.json", json.dumps(self.report, indent=2) + "\n")


def seek_goals(
    world: World,
    clips: Path,
    options: GoalOptions,
    search: PlannerOptions,
    progress: Progress = silent,
) -> GoalsResult:
    """Plan from held-out moments to where random held buttons lead.

    The goal is seen in other noise than the plan is made in, and the plan is tried again in a
    third. Random sequences are drawn as the planner draws its first, as many as it tries in all,
    and the best of them is taken as it takes its own.

    Raises:
        InputError: for clips of another size or speed than the world's, or with fewer than two
            held-out moments that will do.
    """
    shown = ClipDataset(clips, "valid", 1)
    refuse_other_films(world, shown.height, shown.width, shown.fps)
    prompts = level_starts(clips, options.starts, seed=search.seed).video
    if len(prompts) < 2:
        raise InputError(
            f"{clips} has one held-out moment to start from, an interval needs 2: ingest more "
            "videos, or with a larger --valid-fraction"
        )
    N, generator = len(prompts), torch.Generator().manual_seed(search.seed)
    choices = -(-options.goal_presses // options.goal_hold)
    true = torch.randint(world.num_actions, (N, choices), generator=generator)
    true = true.repeat_interleave(options.goal_hold, dim=1)[:, : options.goal_presses]
    noises = torch.randint(2**62, (3, N), generator=generator)
    sampler = world.sampler(search.steps)
    goals = _end(world, prompts, true, noises[0], sampler)
    planned, random = [], []
    for row in range(N):
        asked = replace(search, seed=search.seed + row)
        once = replace(asked, rounds=1, candidates=search.rounds * search.candidates)
        planned.append(make_plan(world, prompts[row], goals[row], asked))
        random.append(make_plan(world, prompts[row], goals[row], once))
        progress(row + 1, N, "")
    ends = {
        "start": prompts[:, -1],
        "random": torch.stack([plan.frames[-1] for plan in random]),
        "planned": torch.stack([plan.frames[-1] for plan in planned]),
        "replayed": _again(world, prompts, planned, noises[2], sampler),
        "true": _end(world, prompts, true, noises[1], sampler),
    }
    found = {
        name: psnr(end[:, None], goals[:, None])[:, 0].clamp(max=SAME) for name, end in ends.items()
    }
    report = {
        "options": to_dict(options) | to_dict(search) | {"elites": search.kept},
        "starts": N,
        "arms": {name: _figures(values, options.reached) for name, values in found.items()},
        "plans": [[world.buttons[b].label for b in plan.buttons] for plan in planned],
    }
    return GoalsResult(report, plans_picture(world, planned[:ROWS], goals[:ROWS]))


def format_goals(report: dict[str, Any]) -> str:
    """The figures as a table in Markdown."""
    title = f"{counted(report['starts'], 'start')}: the end beside the goal"
    lines = [
        f"| {title} | PSNR up to {SAME:g}, dB | {report['options']['reached']:g} dB or more |",
        "|---|---|---|",
    ]
    for name, words in ARMS.items():
        close, reached = (report["arms"][name][key] for key in ("psnr", "reached"))
        band = f"{close['mean']:.1f} [{close['low']:.1f}, {close['high']:.1f}]"
        share = f"{reached['mean']:.0%} [{reached['low']:.0%}, {reached['high']:.0%}]"
        lines.append(f"| {words} | {band} | {share} |")
    return "\n".join(lines)


def _end(
    world: World,
    prompts: UInt8[Tensor, "N P H W 3"],
    buttons: Int[Tensor, "N K"],
    seeds: Int[Tensor, " N"],
    sampler: SamplerConfig,
) -> UInt8[Tensor, "N H W 3"]:
    """Where buttons lead, in this noise."""
    _, state = world.start(prompts, seeds)
    return press(world, state, buttons, sampler)[:, -1]


def _again(
    world: World,
    prompts: UInt8[Tensor, "N P H W 3"],
    plans: list[ButtonPlan],
    seeds: Int[Tensor, " N"],
    sampler: SamplerConfig,
) -> UInt8[Tensor, "N H W 3"]:
    """Where plans lead in other noise; they differ in length, so each is played by itself."""
    ends = []
    for row, plan in enumerate(plans):
        way, one = torch.tensor([plan.buttons]), slice(row, row + 1)
        ends.append(
            _end(world, prompts[one], way, seeds[one], sampler)[0]
            if plan.buttons
            else prompts[row, -1]
        )
    return torch.stack(ends)


def _figures(found: Float[Tensor, " N"], reached: float) -> dict[str, Any]:
    return {
        "psnr": interval(found, bounds=PSNR_BOUNDS),
        "reached": share_interval((found >= reached).float()),
        "by start": [round(value, 1) for value in found.tolist()],
    }

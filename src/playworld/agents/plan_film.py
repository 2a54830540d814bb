"""A plan for people: in words, as a picture of the way, as a film."""

import io
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from playworld.agents.planner import ButtonPlan
from playworld.atomic import folder_at, write_whole
from playworld.config import InputError, did_you_mean
from playworld.data.video.pictures import read_picture
from playworld.evaluate.frame_grid import FrameGrid
from playworld.evaluate.image_quality import psnr
from playworld.evaluate.page.files import write_picture, write_result
from playworld.images import CELL, enlarged, image
from playworld.world import World

SHOWN = 6
"""Frames of a plan that its picture shows at most."""


def open_prompt(world: World, name: str) -> UInt8[Tensor, "H W 3"]:
    """A picture file, fitted to the world; or one of the world's own prompts, by its name.

    Raises:
        InputError: if it is neither.
    """
    own = dict(world.prompts())
    if name in own:
        return own[name]
    if not Path(name).exists():
        hint = did_you_mean(name, own)
        raise InputError(f"no picture file {name!r}, and no prompt of the world's own; {hint}")
    try:
        return world.prompt(read_picture(Path(name).read_bytes()))
    except (InputError, OSError) as error:
        raise InputError(f"{name} cannot be read: {error}") from None


def in_words(world: World, plan: ButtonPlan, goal: UInt8[Tensor, "H W 3"]) -> str:
    """The buttons, and how close they lead."""
    first, last = (_likeness(plan.frames[k], goal) for k in (0, -1))
    if not plan.buttons:
        return f"no button leads closer to the goal than the start is ({first:.1f} dB PSNR)"
    runs = [
        (world.buttons[b].label, len(list(same))) for b, same in itertools.groupby(plan.buttons)
    ]
    way = ", ".join(f"{label} x{count}" for label, count in runs)
    return f"{way}\nlikeness to the goal, PSNR: start {first:.1f} dB, end {last:.1f} dB"


def write_plan(world: World, plan: ButtonPlan, goal: UInt8[Tensor, "H W 3"], out: Path) -> None:
    """Write plan.png, plan.gif and plan.json into a folder, which is made if need be."""
    folder_at(out)
    write_picture(plans_picture(world, [plan], goal[None]), out / "plan.png")
    scale = max(1, 2 * CELL // world.width)
    frames = [enlarged(image(frame), scale) for frame in plan.frames]
    pace = round(1000 / world.fps)
    lasts = [pace] * (len(frames) - 1) + [6 * pace]  # it rests before it begins again
    film = io.BytesIO()
    frames[0].save(film, "GIF", save_all=True, append_images=frames[1:], duration=lasts, loop=0)
    write_whole(out / "plan.gif", film.getvalue())
    found = {
        "buttons": plan.buttons,
        "labels": [world.buttons[button].label for button in plan.buttons],
        "psnr": _likeness(plan.frames[-1], goal),
        "distance": plan.distance,
        "after each round": plan.best,
    }
    write_result(out / "plan.json", json.dumps(found, indent=2) + "\n")


def plans_picture(
    world: World, plans: Sequence[ButtonPlan], goals: UInt8[Tensor, "N H W 3"]
) -> Image.Image:
    """A row for each plan: start, moments on the way with the button just pressed, and the goal."""
    columns = max(min(SHOWN, len(plan.frames)) for plan in plans)
    title = f"{world.config.name}: {'a plan' if len(plans) == 1 else 'plans'} to a picture"
    note = "the way within the world, and apart the goal"
    grid = FrameGrid(len(plans), columns + 1, (world.height, world.width), title, note, columns)
    grid.head(0, "start")
    grid.head(columns, "goal")
    for row, (plan, goal) in enumerate(zip(plans, goals, strict=True)):
        last = len(plan.frames) - 1
        moments = torch.linspace(0, last, min(columns, last + 1)).round().int().tolist()
        for column, k in enumerate(moments):
            arrow = world.buttons[plan.buttons[k - 1]].arrow if k else ""
            grid.frame(row, column, plan.frames[k], arrow)
        grid.frame(row, columns, goal)
    return grid.image


def _likeness(frame: UInt8[Tensor, "H W 3"], goal: UInt8[Tensor, "H W 3"]) -> float:
    return psnr(frame[None, None], goal[None, None]).item()

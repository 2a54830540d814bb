"""Pictures for a page: what a world's buttons do, from its own prompts."""

from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Int, UInt8
from PIL import Image
from torch import Tensor

from playworld.config import InputError
from playworld.evaluate.frame_grid import FrameGrid
from playworld.evaluate.metrics.long_play import held_buttons
from playworld.evaluate.options import GalleryOptions
from playworld.evaluate.page.files import write_picture
from playworld.evaluate.parallax import Parallax, measure_parallax, parallax_picture
from playworld.evaluate.rollouts import press
from playworld.words import counted
from playworld.world import World

FIRST_ROWS = ("right", "left", "jump", "jump right", "stay")
"""Buttons that the picture of trajectories holds down, where the world has them."""

HELD_ROWS = 3
"""Rows of trajectories with one button held; one more is pressed at random."""


def gallery(
    world: World,
    options: GalleryOptions | None = None,
    own: Mapping[str, Image.Image] | None = None,
) -> dict[str, Image.Image]:
    """The pictures by file name: buttons.png, trajectories.png, parallax.png and prompts.png.

    The last shows pictures of one's `own`, fitted to the world as uploads are; without them,
    prompts of the world that are no numbered frames of video. It is left out where there are
    none.

    Raises:
        InputError: where there is nothing to start from, or no prompt of the name asked for.
    """
    options, prompts = options or GalleryOptions(), dict(world.prompts())
    given = {name: world.prompt(picture) for name, picture in (own or {}).items()}
    strange = given or {name: p for name, p in prompts.items() if not name.isdigit()}
    everything = prompts | given
    if not everything:
        raise InputError(f"{world.config.name} has no prompts to draw from")
    if options.prompt is not None and options.prompt not in everything:
        raise InputError(f"no prompt {options.prompt!r}; there are {', '.join(everything)}")
    known = {name: p for name, p in prompts.items() if name.isdigit()} or prompts or given
    start = everything[options.prompt or next(iter(known))]
    pictures = {
        "buttons.png": buttons_picture(world, list(known.values())[: options.starts], options),
        "trajectories.png": trajectories_picture(world, start, options),
        "parallax.png": parallax_picture(world, sideways(world, list(known.values()), options)),
    }
    if strange:
        pictures["prompts.png"] = prompts_picture(world, strange, options)
    return pictures


def sideways(
    world: World, starts: list[UInt8[Tensor, "H W C"]], options: GalleryOptions
) -> list[Parallax]:
    """The button that moves the picture furthest to a side, and the next that moves it back."""
    first, *rest = measure_parallax(
        world, torch.stack(starts)[:, None], options.presses, options.seed
    )
    back = [row for row in rest if row.way * first.way < 0]
    return [first, *back[:1]]


def write_gallery(pictures: dict[str, Image.Image], folder: Path) -> None:
    """Write the pictures into a folder, which is made if need be; each replaces an older one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        write_picture(picture, folder / name)


def buttons_picture(
    world: World, starts: list[UInt8[Tensor, "H W C"]], options: GalleryOptions
) -> Image.Image:
    """The same button from different starts: starts down, buttons across."""
    grid = FrameGrid(
        len(starts),
        1 + world.num_actions,
        (world.height, world.width),
        f"{world.config.name}: the same button from different starts",
        f"each picture is the {_nth(options.presses)} after its start, with one button held",
        lead=1,
    )
    grid.head(0, "start")
    for column, button in enumerate(world.buttons, start=1):
        grid.head(column, button.label, button.arrow)
    frames = _held(world, starts, list(range(world.num_actions)), options)
    for row, start in enumerate(starts):
        grid.frame(row, 0, start)
        for code in range(world.num_actions):
            grid.frame(row, 1 + code, frames[row, code, -1])
    return grid.image


def trajectories_picture(
    world: World, start: UInt8[Tensor, "H W C"], options: GalleryOptions
) -> Image.Image:
    """One start, several ways to go on: time across, the button of each frame below it."""
    held = _some_buttons(world, HELD_ROWS)
    length = options.frames * options.every
    at_random = held_buttons(1, length, world.num_actions, options.seed)
    sequences = torch.cat([torch.tensor(held)[:, None].expand(-1, length), at_random])
    prompt = start[None, None].expand(len(sequences), -1, -1, -1, -1)
    _, state = world.start(prompt, [options.seed] * len(sequences))
    video = press(world, state, sequences)
    left_out = f"; every {_nth(options.every)} is shown" if options.every > 1 else ""
    grid = FrameGrid(
        len(sequences),
        1 + options.frames,
        (world.height, world.width),
        f"{world.config.name}: one start, {len(sequences)} ways to go on",
        f"{counted(length, 'frame')}, {length / world.fps:.1f} seconds{left_out}",
        lead=1,
        names=[*(world.buttons[button].label for button in held), "random"],
    )
    grid.head(0, "start")
    for column in range(options.frames):
        grid.head(1 + column, f"frame {(column + 1) * options.every}")
    for row in range(len(sequences)):
        grid.frame(row, 0, start)
        for column in range(options.frames):
            at = (column + 1) * options.every - 1
            arrow = world.buttons[int(sequences[row, at])].arrow
            grid.frame(row, 1 + column, video[row, at], arrow)
    return grid.image


def prompts_picture(
    world: World, prompts: dict[str, UInt8[Tensor, "H W C"]], options: GalleryOptions
) -> Image.Image:
    """Pictures that are no frames of video, each followed by the same button a few times."""
    (button,) = _some_buttons(world, 1)
    grid = FrameGrid(
        len(prompts),
        1 + options.presses,
        (world.height, world.width),
        f"{world.config.name}: prompts it was not trained on",
        f"each picture, then “{world.buttons[button].label}” {options.presses} times",
        lead=1,
        names=list(prompts),
    )
    grid.head(0, "prompt")
    for column in range(1, 1 + options.presses):
        grid.head(column, f"press {column}", world.buttons[button].arrow)
    frames = _held(world, list(prompts.values()), [button], options)
    for row, picture in enumerate(prompts.values()):
        grid.frame(row, 0, picture)
        for column in range(options.presses):
            grid.frame(row, 1 + column, frames[row, 0, column])
    return grid.image


def _held(
    world: World,
    starts: list[UInt8[Tensor, "H W C"]],
    buttons: list[int],
    options: GalleryOptions,
) -> UInt8[Tensor, "starts buttons K H W C"]:
    """Every button held from every start."""
    video = torch.stack(starts)[:, None]
    _, state = world.start(video, [options.seed + row for row in range(len(starts))])

    def hold(button: int) -> Int[Tensor, "starts presses"]:
        return torch.full((len(starts), options.presses), button)

    return torch.stack([press(world, state, hold(button)) for button in buttons], dim=1)


def _some_buttons(world: World, count: int) -> list[int]:
    """Buttons worth showing: those with the names that say most, then the others in turn."""
    labels = [button.label for button in world.buttons]
    first = [labels.index(name) for name in FIRST_ROWS if name in labels]
    return [*first, *(b for b in range(world.num_actions) if b not in first)][:count]


def _nth(number: int) -> str:
    return {1: "1st", 2: "2nd", 3: "3rd"}.get(number, f"{number}th")

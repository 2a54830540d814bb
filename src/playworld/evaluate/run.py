"""The whole measurement of a world on held-out clips, and of several side by side."""

import datetime
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from playworld.config import InputError, to_dict
from playworld.evaluate.all_metrics import METRICS
from playworld.evaluate.buttons import PRESSES
from playworld.evaluate.context import Networks, Tried, parts, prepare, shared_frames
from playworld.evaluate.differences import compare_reports
from playworld.evaluate.heldout import HeldOut, read_held_out
from playworld.evaluate.notes import notes
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.pictures import Grid
from playworld.evaluate.report import FILMS, Artifacts, Paired, Report, SideBySide
from playworld.progress import Progress, silent
from playworld.world import World

FORMAT = 1


def compare(
    worlds: Mapping[str, World],
    clips: Path,
    options: EvaluateOptions | None = None,
    progress: Progress = silent,
) -> Report:
    """Measure several worlds on the same clips with the same seeds, side by side.

    The report lists what `evaluate` says of each under `worlds`, and under `compared` the paired
    differences from the first. Of one world this is `evaluate`.

    Raises:
        InputError: as `evaluate` does, for any of them.
    """
    options = options or EvaluateOptions()
    held = read_held_out(clips, options.num_clips, options.length, options.seed)
    for name, world in worlds.items():
        _check_size(name, world, held)
    reports: dict[str, Report] = {}
    for turn, (name, world) in enumerate(worlds.items()):
        share = _in_turn(progress, turn, len(worlds), name)
        reports[name] = evaluate(world, clips, options, share)
    if len(reports) == 1:
        return next(iter(reports.values()))
    return compare_reports(reports, options.seed)


@torch.inference_mode()
def evaluate(
    world: World,
    clips: Path,
    options: EvaluateOptions | None = None,
    progress: Progress = silent,
    tried: Tried | None = None,
) -> Report:
    """Measure a world on held-out clips; docs/evaluate.md says what each figure means.

    The same world, clips, options and machine give the same figures, but for `speed`, `cost` and
    `date`. What `try_buttons` has found with the same options and the world's own sampler need not
    be played again.

    Raises:
        InputError: where CLIPS has no held-out clip of that length, or of another size than the
            world's, or a file of weights is not what it should be.
    """
    options = options or EvaluateOptions()
    # The clips that follow in the same order are the real ones that nothing is played along.
    enough = read_held_out(clips, 2 * options.num_clips, options.length, options.seed)
    held, others = enough.part(options.num_clips)
    _check_size(world.config.name, world, held)
    networks = Networks.load(options, world.device)
    frames = shared_frames(options, world.num_actions)
    frames |= {metric.name: metric.frames(options, world.num_actions) for metric in METRICS}
    begin = parts(progress, frames | {"done": 0})
    context = prepare(world, clips, options, held, others, networks, begin, tried)
    figures: dict[str, Any] = context.figures
    figures |= {
        "format": FORMAT,
        "world": world.config.name,
        "clips": len(held.video),
        "data": {
            "split": "valid",
            "videos": len(set(held.sources)),
            "height": world.height,
            "width": world.width,
            "fps": held.fps,
        },
        "window": world.config.dynamics.transformer.window,
        "settings": to_dict(options)
        | {"camera": context.camera, "sampler": to_dict(context.sampler), "presses": PRESSES},
    }
    paired: dict[str, Paired] = {}
    grids: dict[str, Grid] = {}
    films: dict[str, list[SideBySide]] = {}
    for metric in METRICS:
        found = metric.measure(replace(context, advance=begin(metric.name)))
        for key, part in found.figures.items():
            shared = isinstance(part, dict) and key in figures
            figures[key] = figures[key] | part if shared else part
        paired |= found.paired
        grids |= {name: _copied(grid) for name, grid in found.grids.items()}
        films |= found.films
    figures["date"] = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    figures["notes"] = notes(world, figures, options)
    begin("done")
    return Report(figures, Artifacts(grids, films, paired, context.rollouts.first(FILMS)))


def _copied(grid: Grid) -> Grid:
    """The grid with frames of its own: views would keep all that was played in memory."""
    return replace(grid, rows=[[frame.clone() for frame in row] for row in grid.rows])


def _in_turn(progress: Progress, turn: int, turns: int, name: str) -> Progress:
    """One bar for all worlds."""
    return lambda done, total, note: progress(turn * total + done, turns * total, f"{name}: {note}")


def _check_size(name: str, world: World, held: HeldOut) -> None:
    height, width = held.video.shape[2:4]
    if (height, width) != (world.height, world.width):
        raise InputError(
            f"{name} shows {world.width}x{world.height} pixels and the clips are "
            f"{width}x{height}: ingest the videos with --size {world.width}x{world.height}"
        )

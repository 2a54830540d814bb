"""Long play: rollouts that keep looking real, and in which left and right still move."""

from collections.abc import Iterator

import torch

from playworld.evaluate.context import Context
from playworld.evaluate.intervals import A_SHARE, Samples
from playworld.evaluate.longplay import (
    held_buttons,
    play_long,
    real_sideways,
    recorded_buttons,
    score_long_play,
)
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row, Tile
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.page.numbers import number
from playworld.evaluate.pictures import long_grid
from playworld.evaluate.report import SideBySide
from playworld.words import counted

FILMS = 3
"""Rollouts that are shown as films."""


def _measure(context: Context) -> Measured:
    """With "random" buttons, and with those "recorded" in true video; nothing without rollouts."""
    options, world, real = context.options, context.world, context.real
    starts, seed = context.starts.video[: options.long_rollouts], context.seed
    if not len(starts):
        return Measured({"long_play": {}})
    count, length = len(starts), options.long_frames
    moves = {
        "random": held_buttons(count, length, world.num_actions, seed),
        "recorded": recorded_buttons(real.codes, count, length, seed),
    }
    sideways = real_sideways(context.sides, real.codes, real.moved, context.camera)
    figures, paired, grids, films = {}, {}, {}, {}
    for turn, (name, buttons) in enumerate(moves.items()):

        def advance(done: int, before: int = turn * count) -> None:
            context.advance((before + done) * length)

        played = play_long(
            world,
            starts,
            buttons,
            context.sides,
            seed,
            options.batch_size,
            context.camera,
            context.sampler,
            advance,
        )
        figures[name] = score_long_play(played, context.real_stats, sideways)
        looks = [context.real_stats.in_range(video).float().mean() for video in played.video]
        paired[_paired(name)] = Samples(torch.stack(looks), A_SHARE)
        grids[f"long-{name}.png"] = long_grid(played.video)
        films[f"long-{name}"] = [
            SideBySide({f"rollout {row + 1}": video.clone()}, world.fps)
            for row, video in enumerate(played.video[:FILMS])
        ]
    return Measured({"long_play": figures}, paired, grids, films)


def _paired(name: str) -> str:
    return f"long play, {name} moves: frames that look real"


def _frames(options: EvaluateOptions, buttons: int) -> int:
    return 2 * options.long_rollouts * options.long_frames


def _rows(report: Report) -> Iterator[Row]:
    for name, played in report["long_play"].items():
        count, scenes = played["rollouts"], played["real_scenes"]
        yield Row(
            f"{counted(played['frames'], 'frame')}, {name} moves",
            f"{played['looks_real']} of {count} rollouts look real in 95% of their frames, "
            f"{played['share_of_frames']:.0%} of all frames do "
            f"({played['real_scenes_that_look_real']} of {scenes} real scenes pass)",
        )
        moves = "-" if played["moves"] is None else played["moves"]
        text = f"{moves} of {count} still move half as far as in true video"
        yield Row("  left and right late", text)


def _compared(report: Report) -> Iterator[Compared]:
    for name, played in report["long_play"].items():
        share = number(played["share_of_frames"])
        yield Compared(f"long play, {name} moves", share, _paired(name))


def _tiles(report: Report) -> Iterator[Tile]:
    played = report["long_play"].get("recorded")
    if played is None:
        return
    scenes, kept = played["real_scenes"], played["real_scenes_that_look_real"]
    yield Tile(
        f"Looks real for {counted(played['frames'], 'frame')}",
        f"{played['looks_real']}",
        f"of {played['rollouts']}",
        "" if played["moves"] is None else f"left and right still move in {played['moves']}",
        f"Rollouts with the moves of true video, with 95% of their frames as sharp and as "
        f"coloured as real ones. Of real scenes {kept} of {scenes} pass.",
    )


LONG_PLAY = Metric("long play", _measure, _frames, rows=_rows, compared=_compared, tiles=_tiles)

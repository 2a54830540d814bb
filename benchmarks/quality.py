"""Quality against speed: how many refinements, in which order, at which temperature.

    python benchmarks/quality.py WORLD CLIPS --out curve.png

Every setting continues the same held-out clips with the same noise, along the latent actions of the
true video and along random ones. Prints a row for each, the world's own setting first (PSNR at
frames 1, 4 and 8, what of it at frame 4 the setting gains over the world's own, clip by clip, delta
PSNR at frame 4, frames per second of one player) and draws PSNR at frame 4 against speed. In one
step the order decides nothing. The default is a cross through the world's own setting; --full tries
all.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import torch
from PIL import Image

from playworld.evaluate.heldout import HeldOut, read_held_out
from playworld.evaluate.image_quality import psnr
from playworld.evaluate.intervals import interval
from playworld.evaluate.rollouts import press, random_actions
from playworld.evaluate.speed import measure_speed
from playworld.images import font, to_png
from playworld.studies.plot_axes import INK, Panel
from playworld.world import SamplerConfig, World

PROMPT, HORIZON, DELTA = 4, 8, 4
"""Frames of the prompt, frames generated, and frames generated with random actions."""

FEW = 8
"""Steps above which only the world's own order and temperature are tried."""

COLOURS = {"random": (36, 99, 235), "halton": (22, 150, 90), "confidence": (214, 72, 50)}


@dataclass(frozen=True)
class Row:
    """One setting and what it gave."""

    sampler: SamplerConfig
    psnr: dict[int, float]
    """By generated frame, dB, mean over clips."""
    of_clips: torch.Tensor
    """The same at frame 4, of each clip."""
    delta: float
    """PSNR at frame 4 less that with random actions, dB."""
    fps: float
    """Frames per second of one player, median."""


def settings(
    own: SamplerConfig,
    steps: Sequence[int],
    orders: Sequence[str],
    temperatures: Sequence[float],
    full: bool,
) -> Iterator[SamplerConfig]:
    """A cross through the world's own setting, or every combination that differs.

    The cross varies order and temperature one at a time, and leaves more than `FEW` steps, which
    take most of the time, at the first order and the world's own temperature.
    """
    for count, order, temperature in product(
        steps, orders, sorted({own.temperature, *temperatures})
    ):
        first, usual = order == orders[0], temperature == own.temperature
        if (count > 1 or first) and (
            full or (first and usual) or (count <= FEW and (first or usual))
        ):
            yield replace(own, steps=count, order=order, temperature=temperature)


@torch.inference_mode()
def measure(world: World, held: HeldOut, sampler: SamplerConfig, frames: int) -> Row:
    """Continue the clips with this sampler; both arms branch off the same state."""
    video = held.video
    truth = video[:, PROMPT:]
    actions = world.infer_actions(video).cpu()[:, PROMPT - 1 :]
    drawn = random_actions(len(video), DELTA, world.num_actions, seed=0)
    _, state = world.start(video[:, :PROMPT], list(range(len(video))))
    told = psnr(press(world, state, actions, sampler), truth)
    at_random = psnr(press(world, state, drawn, sampler), truth[:, :DELTA]).mean(dim=0)
    speed = measure_speed(world, video[:1, :PROMPT], frames, 0, sampler)
    return Row(
        sampler,
        {k: told[:, k - 1].mean().item() for k in (1, DELTA, HORIZON)},
        told[:, DELTA - 1],
        (told[:, DELTA - 1].mean() - at_random[DELTA - 1]).item(),
        speed["fps_median"],
    )


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        f"| steps | order | temperature | PSNR 1 / {DELTA} / {HORIZON}, dB | gain at {DELTA} [95%] "
        "| delta_4, dB | frames/s |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        gain = interval(row.of_clips - rows[0].of_clips)
        gained = f"{gain['mean']:+.2f} [{gain['low']:+.2f}, {gain['high']:+.2f}]"
        if row is rows[0]:
            gained = "its own"
        sampler, quality = row.sampler, " / ".join(f"{value:.2f}" for value in row.psnr.values())
        order = sampler.order if sampler.steps > 1 else "any"
        lines.append(
            f"| {sampler.steps} | {order} | {sampler.temperature:g} | {quality} | {gained} "
            f"| {row.delta:.2f} | {row.fps:.1f} |"
        )
    return "\n".join(lines)


def curve(rows: Sequence[Row], title: str) -> Image.Image:
    """PSNR at frame 4 over frames per second (logarithmic), a line for each order.

    A line joins the best temperature of each number of steps; the other temperatures are dots.
    """
    speeds, heights = [row.fps for row in rows], [row.psnr[4] for row in rows]
    panel = Panel(
        f"PSNR at frame 4, dB: {title}",
        "frames per second",
        (min(speeds) / 1.15, max(speeds) * 1.15),
        (min(heights) - 0.3, max(heights) + 0.3),
    )
    upwards = sorted(rows, key=lambda row: row.psnr[4])
    orders = list(dict.fromkeys(row.sampler.order for row in rows))
    for order in orders:
        # The order decides nothing in one step, so that point belongs to every line.
        mine = [row for row in upwards if row.sampler.order == order or row.sampler.steps == 1]
        best = {row.sampler.steps: row for row in mine}
        panel.dots([point(row) for row in mine], COLOURS[order])
        panel.line([point(row) for _, row in sorted(best.items())], COLOURS[order])
    panel.key(orders, [COLOURS[order] for order in orders])
    for steps, row in {row.sampler.steps: row for row in upwards}.items():
        x, y = panel.place(point(row))
        panel.draw.text((x, y - 8), f"{steps} step{'s' * (steps > 1)}", INK, font(15), anchor="mb")
    return panel.image


def point(row: Row) -> tuple[float, float]:
    """Where a row stands in the figure."""
    return row.fps, row.psnr[4]


def main() -> None:
    """Print the table row by row, and draw the curve."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("world")
    parser.add_argument("clips", type=Path)
    parser.add_argument("--out", type=Path, help="PNG file for the curve")
    parser.add_argument("--num-clips", type=int, default=24)
    parser.add_argument("--speed-frames", type=int, default=15)
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 2, 4, 8, 25])
    parser.add_argument("--orders", nargs="+", choices=list(COLOURS), default=list(COLOURS))
    parser.add_argument("--temperatures", type=float, nargs="+", default=[0.1, 0.5, 1.0])
    parser.add_argument("--full", action="store_true", help="every combination")
    given = parser.parse_args()
    world = World.load(given.world)
    held = read_held_out(given.clips, given.num_clips, PROMPT + HORIZON, seed=1)
    own = world.config.sampler
    grid = settings(own, given.steps, given.orders, given.temperatures, given.full)
    rows: list[Row] = []
    for sampler in [own, *(sampler for sampler in grid if sampler != own)]:
        rows.append(measure(world, held, sampler, given.speed_frames))
        lines = table(rows).splitlines()
        print("\n".join(lines if len(rows) == 1 else lines[-1:]), flush=True)
    if given.out is not None:
        picture = curve(rows, f"{world.config.name}, {len(held.video)} clips")
        given.out.write_bytes(to_png(picture))


if __name__ == "__main__":
    main()

"""Whether a world keeps the look of the picture it was started from, whatever is pressed."""

from collections.abc import Iterator

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from playworld.evaluate.context import Context
from playworld.evaluate.image_quality import PSNR_BOUNDS, psnr
from playworld.evaluate.image_stats import sharpness
from playworld.evaluate.intervals import NOT_NEGATIVE, interval, means, with_interval
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row
from playworld.evaluate.movement import displacement
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.page.numbers import band, number
from playworld.world import SamplerConfig, World, WorldState

PRESSES = (1, 16, 32)
"""After how many presses of one button the picture is compared with the prompt."""
MIN_PIXELS = 8
"""Columns or rows that must have come into view to be measured, and must still be in view."""
FLAT = 1e-4
"""Sharpness (variance of the Laplacian) that a prompt counts as at least."""


def hold(
    world: World,
    frame: UInt8[Tensor, "B H W C"],
    state: WorldState,
    button: int,
    presses: int,
    sampler: SamplerConfig | None = None,
) -> Iterator[tuple[UInt8[Tensor, "B H W C"], Float[Tensor, "B 2"]]]:
    """Hold a button from a state that stays as it is, whose picture is `frame`.

    Yields:
        After each press the picture, and how far the view has moved: whole rows and columns.
    """
    last, moved = frame.cpu(), torch.zeros(len(frame), 2)
    for k in range(presses):
        shown, state = world.step(state, [button] * len(frame), sampler, in_place=k > 0)
        now = shown.cpu()
        moved = moved - displacement(last, now).xy.flip(1)  # the view moves the other way
        last = now
        yield now, moved.round()


def in_view(
    prompt: UInt8[Tensor, "H W C"], frame: UInt8[Tensor, "H W C"], moved: Float[Tensor, "2"]
) -> tuple[float, Tensor | None]:
    """PSNR of what both pictures show, dB, and the sharpness of what only the frame shows.

    `moved` is how far the view has moved, rows and columns. NaN where hardly anything is left in
    view, None where hardly anything has come into it.
    """
    height, width = prompt.shape[:2]
    y, x = (int(part) for part in moved)
    if abs(y) > height - MIN_PIXELS or abs(x) > width - MIN_PIXELS:
        return float("nan"), None
    one = prompt[max(0, y) : height + min(0, y), max(0, x) : width + min(0, x)]
    two = frame[max(0, -y) : height + min(0, -y), max(0, -x) : width + min(0, -x)]
    score = psnr(two[None, None], one[None, None]).item()
    new = None
    if abs(x) >= max(MIN_PIXELS, abs(y)):
        new = frame[:, width - x :] if x > 0 else frame[:, :-x]
    elif abs(y) >= MIN_PIXELS:
        new = frame[height - y :] if y > 0 else frame[:-y]
    if new is None:
        return score, None
    share = sharpness(new[None, None]) / sharpness(prompt[None, None]).clamp_min(FLAT)
    return score, share[0, 0]


def _measure(context: Context) -> Measured:
    """Every button is held, and the motion of the picture is taken out; None without starts.

    `psnr` compares what is still in view with the prompt, after each number of `PRESSES`;
    `revealed_sharpness` what has come into view by then, as a share of the prompt's sharpness (of
    each start the median, over starts the mean): a
    smear has about 0, noise far more than 1.
    """
    world, seed = context.world, context.seed
    if not context.options.look_starts:
        return Measured({"look": None})
    prompts = context.button_starts.video[: context.options.look_starts, -1]
    kept: dict[int, list[Tensor]] = {k: [] for k in PRESSES}
    fresh: list[Tensor] = []
    begun = world.start(prompts[:, None], [seed + row for row in range(len(prompts))])
    for button in range(world.num_actions):
        views = hold(world, *begun, button, max(PRESSES), context.sampler)
        for k, (frame, moved) in enumerate(views, start=1):
            context.advance((button * max(PRESSES) + k) * len(prompts))
            if k in kept:
                parts = [in_view(*pair) for pair in zip(prompts, frame, moved, strict=True)]
                kept[k].append(torch.tensor([score for score, _ in parts]))
                fresh.append(torch.tensor([torch.nan if s is None else s for _, s in parts]))
    bands = {
        str(k): interval(torch.stack(scores).nanmean(dim=0), seed, PSNR_BOUNDS)
        for k, scores in kept.items()
    }
    sharp = interval(torch.stack(fresh).nanmedian(dim=0).values, seed, NOT_NEGATIVE)
    found = {
        "psnr": means(bands),
        "psnr_interval": bands,
        **with_interval("revealed_sharpness", sharp),
        "starts": len(prompts),
    }
    return Measured({"look": found})


def _frames(options: EvaluateOptions, buttons: int) -> int:
    return min(options.look_starts, options.button_starts) * buttons * max(PRESSES)


def _rows(report: Report) -> Iterator[Row]:
    if (look := report["look"]) is not None:
        kept = ", ".join(f"{number(value, 1)} dB after {k}" for k, value in look["psnr"].items())
        sharp, around = look["revealed_sharpness"], band(look["revealed_sharpness_interval"], 2)
        yield Row(
            "look of the prompt",
            f"{kept} presses; new area {number(sharp)} {around} as sharp",
            "Each button is held; the motion of the picture is taken out, and what is still in "
            "view is compared with the prompt.",
        )


def _compared(report: Report) -> Iterator[Compared]:
    if (look := report["look"]) is not None:
        yield Compared("new area, sharpness", number(look["revealed_sharpness"]))


LOOK = Metric("look of the prompt", _measure, _frames, rows=_rows, compared=_compared)

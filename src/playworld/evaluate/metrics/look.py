"""Whether a world keeps the look of the picture it was started from, whatever is pressed."""

from collections.abc import Iterator

from playworld.evaluate.context import Context
from playworld.evaluate.look import PRESSES, measure_look
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.page.numbers import number


def _measure(context: Context) -> Measured:
    """None without starts."""
    count = context.options.look_starts
    if not count:
        return Measured({"look": None})
    prompts = context.button_starts.video[:count, -1]
    found = measure_look(context.world, prompts, context.seed, context.sampler, context.advance)
    return Measured({"look": found})


def _frames(options: EvaluateOptions, buttons: int) -> int:
    return min(options.look_starts, options.button_starts) * buttons * max(PRESSES)


def _rows(report: Report) -> Iterator[Row]:
    if (look := report["look"]) is not None:
        kept = ", ".join(f"{number(value, 1)} dB after {k}" for k, value in look["psnr"].items())
        yield Row(
            "look of the prompt",
            f"{kept} presses; new area {number(look['revealed_sharpness'])} as sharp",
            "Each button is held; the motion of the picture is taken out, and what is still in "
            "view is compared with the prompt.",
        )


def _compared(report: Report) -> Iterator[Compared]:
    if (look := report["look"]) is not None:
        yield Compared("new area, sharpness", number(look["revealed_sharpness"]))


LOOK = Metric("look of the prompt", _measure, _frames, rows=_rows, compared=_compared)

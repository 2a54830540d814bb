"""Whether a world answers its buttons at all."""

from collections.abc import Iterator, Mapping
from typing import Any

from playworld.evaluate.context import Context
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row

HEADLINE_FRAME = 4
"""The generated frame at which the paper reads controllability."""
WORDS = {True: "yes", False: "not surely", None: "too few clips to tell"}


def answers(delta: Mapping[str, Mapping[str, Any]]) -> bool | None:
    """Whether the buttons surely matter: the interval of delta PSNR at frame 4 lies above 0 dB.

    At the last frame where fewer were generated. None where one clip gives no interval.
    """
    low = delta[str(min(HEADLINE_FRAME, len(delta)))]["low"]
    return None if low is None else low > 0


def _measure(context: Context) -> Measured:
    return Measured({"control": {"answers": answers(context.figures["control"]["delta_psnr"])}})


def _rows(report: Report) -> Iterator[Row]:
    yield Row("answers its buttons", WORDS[report["control"]["answers"]])


def _compared(report: Report) -> Iterator[Compared]:
    yield Compared("answers its buttons", WORDS[report["control"]["answers"]])


ANSWERS = Metric("answers", _measure, rows=_rows, compared=_compared)

"""Mirrored codes: whether the mirrored video has the mirrored code."""

from collections.abc import Iterator

from playworld.evaluate.context import Context
from playworld.evaluate.control.mirror import measure_mirror
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row
from playworld.evaluate.page.numbers import number, share, share_band

TITLE = "mirrored codes"


def _measure(context: Context) -> Measured:
    found = measure_mirror(context.world, context.held, context.played.actions, context.seed)
    return Measured({"mirror": found})


def _rows(report: Report) -> Iterator[Row]:
    if (found := report["mirror"]) is not None:
        text = f"{share(found['agreement'])} {share_band(found['interval'])}"
        yield Row(TITLE, text, "How often the mirrored video has the mirrored code.")


def _compared(report: Report) -> Iterator[Compared]:
    if (found := report["mirror"]) is not None:
        yield Compared(TITLE, number(found["agreement"]))


MIRROR = Metric(TITLE, _measure, rows=_rows, compared=_compared)

"""Codes against keys by their effect, balanced: a jump that hits the ceiling is none."""

from collections.abc import Iterator

from playworld.evaluate.context import Context
from playworld.evaluate.metric import Measured, Metric, Report, Row
from playworld.evaluate.page.numbers import share, share_band


def _measure(context: Context) -> Measured:
    """None without action files; against the keys themselves where no effects are known."""
    control = context.figures["control"]
    found = control["effective"] or control["keys"]
    if found is None:
        return Measured({"keys": None})
    figures = {"agreement": found["balanced"], "interval": found["balanced_interval"]}
    return Measured({"keys": figures})


def _rows(report: Report) -> Iterator[Row]:
    keys = report["keys"]
    if keys is not None and keys["agreement"] is not None:
        yield Row(
            "codes against effects",
            f"{share(keys['agreement'])} {share_band(keys['interval'])} balanced",
            "Codes against the pressed keys, merged where they have the same effect.",
        )


KEYS = Metric("codes against effects", _measure, rows=_rows)

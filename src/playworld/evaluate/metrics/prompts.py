"""A world's own prompts: from how many it answers its buttons."""

from collections.abc import Iterator

from playworld.evaluate.buttons import PRESSES
from playworld.evaluate.context import Context
from playworld.evaluate.metric import Measured, Metric, Report, Row
from playworld.evaluate.prompts import measure_prompts


def _measure(context: Context) -> Measured:
    """None for a world without prompts."""
    found = measure_prompts(
        context.world, context.sides, PRESSES, context.seed, context.camera, context.sampler
    )
    return Measured({"prompts": found})


def _rows(report: Report) -> Iterator[Row]:
    if (found := report["prompts"]) is not None:
        yield Row(
            "its own prompts",
            f"{found['answer']} of {found['prompts']} answer their buttons; "
            f"right goes to the right of left in {found['sides_apart']}",
        )


PROMPTS = Metric("its own prompts", _measure, rows=_rows)

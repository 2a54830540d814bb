"""Metrics, controllability and what buttons do, on held-out video."""

from typing import TYPE_CHECKING

from playworld.evaluate.options import EvaluateOptions
from playworld.lazy import lazily

if TYPE_CHECKING:
    from playworld.evaluate.button_names import measure_buttons
    from playworld.evaluate.differences import short_names
    from playworld.evaluate.heldout import HeldOut, read_held_out
    from playworld.evaluate.page.files import write_report
    from playworld.evaluate.page.table import format_table
    from playworld.evaluate.report import Report
    from playworld.evaluate.run import compare, evaluate

__all__ = [
    "EvaluateOptions",
    "HeldOut",
    "Report",
    "compare",
    "evaluate",
    "format_table",
    "measure_buttons",
    "read_held_out",
    "short_names",
    "write_report",
]
__getattr__ = lazily(
    __name__,
    {
        "HeldOut": "heldout",
        "Report": "report",
        "compare": "run",
        "evaluate": "run",
        "format_table": "page.table",
        "measure_buttons": "button_names",
        "read_held_out": "heldout",
        "short_names": "differences",
        "write_report": "page.files",
    },
)

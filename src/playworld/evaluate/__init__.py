"""Metrics, controllability and what buttons do, on held-out video."""

from playworld.evaluate.buttons import measure_buttons
from playworld.evaluate.heldout import HeldOut, read_held_out
from playworld.evaluate.report import Report, format_table, write_report
from playworld.evaluate.run import EvaluateOptions, evaluate

__all__ = [
    "EvaluateOptions",
    "HeldOut",
    "Report",
    "evaluate",
    "format_table",
    "measure_buttons",
    "read_held_out",
    "write_report",
]

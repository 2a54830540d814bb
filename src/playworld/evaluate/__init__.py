"""Metrics, controllability and what buttons do, on held-out video."""

from playworld.evaluate.buttons import measure_buttons
from playworld.evaluate.report import Report, format_table, write_report
from playworld.evaluate.run import EvaluateOptions, evaluate

__all__ = [
    "EvaluateOptions",
    "Report",
    "evaluate",
    "format_table",
    "measure_buttons",
    "write_report",
]

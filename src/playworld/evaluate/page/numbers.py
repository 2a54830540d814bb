"""Figures as text, the same on the page and in the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any


def number(value: float | None, digits: int = 2) -> str:
    """A dash where there is none; what rounds to zero has no sign."""
    return "-" if value is None else f"{value:z.{digits}f}"


def signed(value: float | None, digits: int = 2) -> str:
    """With its sign."""
    return "-" if value is None else f"{value:+z.{digits}f}"


def share(value: float | None, digits: int = 0) -> str:
    """As a percentage."""
    return "-" if value is None else f"{value:.{digits}%}"


def band(found: Mapping[str, Any], digits: int = 1) -> str:
    """The interval alone."""
    return f"[{number(found['low'], digits)}, {number(found['high'], digits)}]"


def share_band(found: Mapping[str, Any]) -> str:
    """The interval of a share."""
    return f"[{share(found['low'])}, {share(found['high'])}]"


def some_frames(frames: Sequence[str], wanted: Sequence[int]) -> list[str]:
    """Which of the generated frames to show: those wanted that there are, and the last."""
    last = len(frames)
    return [str(k) for k in (*(k for k in wanted if k < last), last)]


def large(value: float) -> str:
    """Three figures and a prefix: 1.23 G."""
    for limit, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g} {prefix}"
    return f"{value:.3g} "

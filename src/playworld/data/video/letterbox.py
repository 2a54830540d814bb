"""Black bars around the picture of a video, found before it is decoded.

Runs in the child process that decodes (see `decoder.py`), so it imports nothing of playworld, and
no numpy, which takes longer to import than many a file to decode.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

MOMENTS = 8
"""Frames that are looked at, spread over the video, where the first has bars."""
DARK = 32
"""Brightest luma (0 to 255, black being 0 or 16) that a bar may hold: compression leaves noise."""
LEAST, LEAST_PIXELS = 0.03, 4
"""What a bar must take of its side at least."""
MOST = 0.4
"""Share of the side above which it is a dark picture and no bar."""
UNEVEN = 0.01
"""Share of the side by which two bars that face each other may differ."""

Bars = tuple[int, int]
"""Width of each bar at the sides, and height of each at top and bottom, in stored pixels."""
Edges = tuple[int, int, int, int]
"""Dark columns from the left and the right, dark rows from the top and the bottom."""


def may_have_bars(frame: Any) -> bool:
    """Whether to look for bars at all: one frame without them is enough to know."""
    edges = _dark_edges(frame)
    return edges is None or any(_bars(edges, frame.width, frame.height))


def find_bars(container: Any, stream: Any) -> Bars:
    """The bars of a video; (0, 0) where there are none.

    Only what comes in equal pairs, at every moment looked at, is a bar: a dark sky or a status line
    is part of the picture. Seeks about, so the container is of no use afterwards.
    """
    bars: Bars = (0, 0)
    least: Edges | None = None
    for frame in _moments(container, stream):
        edges = _dark_edges(frame)
        if edges is None:
            continue  # all dark: says nothing
        one, other, top, bottom = map(min, least or edges, edges)
        least = one, other, top, bottom
        bars = _bars(least, frame.width, frame.height)
        if not any(bars):
            break
    return bars


def _bars(edges: Edges, width: int, height: int) -> Bars:
    return _pair(*edges[:2], width), _pair(*edges[2:], height)


def _pair(one: int, other: int, side: int) -> int:
    """How wide two facing bars are, with the blurred line beside them, or 0 for none."""
    bar = max(one, other)
    even = abs(one - other) <= max(2, UNEVEN * side)
    return bar + 1 if even and max(LEAST_PIXELS, LEAST * side) <= bar <= MOST * side else 0


def _moments(container: Any, stream: Any) -> Iterator[Any]:
    """Frames spread evenly over the video, the first among them."""
    import av

    length = stream.duration or 0
    if not length and container.duration:
        length = int(Fraction(container.duration, 1_000_000) / stream.time_base)
    begin = stream.start_time or 0
    try:
        yield next(container.decode(stream))
        for moment in range(1, MOMENTS if length else 1):
            due = begin + length * moment // MOMENTS
            container.seek(due, stream=stream)
            # Keyframes may lie far apart; the one before could be the same every time.
            yield next(f for f in container.decode(stream) if f.pts is None or f.pts >= due)
    except (av.error.FFmpegError, StopIteration, OSError, ValueError):
        return  # decoding the file will report what is wrong with it


def _dark_edges(frame: Any) -> Edges | None:
    """The dark edges of one frame; None where it is dark altogether."""
    grey = frame.reformat(format="gray")
    pixels, stride = bytes(grey.planes[0]), grey.planes[0].line_size
    rows = [pixels[y * stride : y * stride + grey.width] for y in range(grey.height)]
    top = _dark(rows)
    if top == grey.height:
        return None
    bottom = _dark(reversed(rows))
    lines = b"".join(rows[top : grey.height - bottom])  # else the bars below would count as dark
    left = _dark(lines[x :: grey.width] for x in range(grey.width))
    right = _dark(lines[x :: grey.width] for x in reversed(range(grey.width)))
    return left, right, top, bottom


def _dark(lines: Iterable[bytes]) -> int:
    """How many lines are dark before the first that is not."""
    count = 0
    for line in lines:
        if max(line) > DARK:
            break
        count += 1
    return count

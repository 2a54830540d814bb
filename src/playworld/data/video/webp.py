"""Animated WebP, read by Pillow: FFmpeg decodes its pictures but not the animation.

Runs in the child process that decodes (see `decoder.py`).
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from playworld.data.video.frames import Losses, Timed

MILLISECOND = Fraction(1, 1000)
LEAST_MS = 10
"""Browsers show a frame that claims less for 100 ms, as those of GIF."""
BROWSERS_MS = 100
"""What a frame gets that claims less than `LEAST_MS`."""


def open_animation(path: Path, max_pixels: int) -> Callable[[Losses], Iterator[Timed]] | None:
    """What gives the frames of an animation; None where it is a single picture.

    Raises:
        ValueError: where it is too large or cannot be read.
    """
    try:
        picture = Image.open(path, formats=["WEBP"])
        count = getattr(picture, "n_frames", 1)
    except (UnidentifiedImageError, OSError, EOFError):
        raise ValueError("not a WebP that can be read: cut off or damaged") from None
    if picture.width * picture.height > max_pixels:
        raise ValueError(f"{picture.width}x{picture.height} pixels are too many")
    return None if count < 2 else lambda losses: _frames(picture, count, losses)


def _frames(picture: Any, count: int, losses: Losses) -> Iterator[Timed]:
    time = 0
    for number in range(count):
        try:
            picture.seek(number)
            upright = ImageOps.exif_transpose(picture.convert("RGBA"))
        except (OSError, EOFError, ValueError):  # damaged from here on
            losses.add(time * MILLISECOND, time * MILLISECOND)
            return
        claimed = int(picture.info.get("duration", 0))
        frame: Any = av.VideoFrame.from_ndarray(np.asarray(upright), format="rgba")
        frame.pts, frame.time_base = time, MILLISECOND
        frame.duration = claimed if claimed >= LEAST_MS else BROWSERS_MS
        yield time * MILLISECOND, frame
        time += frame.duration

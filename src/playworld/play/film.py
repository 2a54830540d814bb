"""A game as something to show or to keep: MP4, GIF, a strip of pictures, or a recording."""

import io
import math
import re
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from jaxtyping import UInt8
from PIL import Image

from playworld.config import InputError
from playworld.data.record.recordings import write_recording
from playworld.images import enlarged, tiled, to_png

MAX_SCALE = 16
"""Screen pixels per side of a pixel."""
STRIP_COLUMNS = 16
"""Frames side by side in a strip before it goes on in the next row."""
STRIP_GAP = 32
"""Between two frames of a strip lies one of this many parts of a frame's width, in white."""
PALETTE_FRAMES = 64
"""Frames that a GIF's colours are chosen from."""
TOO_LONG = "This is too long at this size. Choose a smaller scale, or fewer frames."
BT709 = 1
"""The number of BT.709 in H.264, for primaries and transfer."""

Frame = UInt8[np.ndarray, "H W 3"]


@dataclass(frozen=True)
class GameFilm:
    """A way through a game, frame by frame."""

    pngs: Sequence[bytes]
    """The frames, at least one."""
    buttons: Sequence[int]
    """What was pressed from each frame but the last."""
    labels: Sequence[str]
    """What each button is called."""
    width: int
    """Of a frame, in pixels."""
    height: int
    fps: float
    """Frames per second."""
    title: str
    """What the file is called."""
    about: Mapping[str, object]
    """What the action file says beside the actions."""
    cancelled: threading.Event
    """Set to give the film up: the writer raises InputError at its next frame."""

    def images(self, every: int = 1) -> Iterator[Image.Image]:
        """The frames, or every so many of them, as RGB pictures."""
        for png in self.pngs[::every]:
            if self.cancelled.is_set():
                raise InputError("The server is ending.")
            yield Image.open(io.BytesIO(png), formats=["PNG"]).convert("RGB")


@dataclass(frozen=True)
class Format:
    """One kind of file."""

    media_type: str
    max_pixels: int
    """Of all frames together: what one core writes in about a minute; a GIF is kept in memory."""
    write: Callable[[GameFilm, int], bytes]


def make(film: GameFilm, format: Format, scale: int) -> bytes:
    """The content of the file; may take a minute, so call it in a thread.

    Raises:
        InputError: with `TOO_LONG`; or when it was cancelled.
    """
    if len(film.pngs) * film.width * film.height * scale**2 > format.max_pixels:
        raise InputError(TOO_LONG)
    return format.write(film, scale)


def file_name(title: str) -> str:
    """The title as a file name for every system: letters, digits, dots, dashes."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", title).strip("-.") or "film"


def write_mp4(film: GameFilm, scale: int) -> bytes:
    """H.264 as every browser plays it: 4:2:0, an even size, BT.709 said plainly, index first."""
    width, height = (side * scale + side * scale % 2 for side in (film.width, film.height))
    with tempfile.TemporaryDirectory() as folder:  # the index moves to the front at the end
        path = Path(folder, "film.mp4")
        options = {"movflags": "+faststart"}
        with av.open(str(path), "w", format="mp4", options=options) as container:
            rate = Fraction(film.fps).limit_denominator(1001)
            stream = container.add_stream("libx264", rate=rate)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.options = {"crf": "16", "preset": "veryfast"}
            context = stream.codec_context
            context.thread_count = 1  # the players need the other cores
            context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
            context.color_primaries = context.color_trc = BT709
            for image in film.images():
                pixels = np.asarray(enlarged(image, scale))
                odd = ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0))
                frame = av.VideoFrame.from_ndarray(np.pad(pixels, odd, "edge"), format="rgb24")
                in_yuv = frame.reformat(
                    format="yuv420p",
                    dst_colorspace=Colorspace.ITU709,
                    dst_color_range=ColorRange.MPEG,
                )
                container.mux(stream.encode(in_yuv))
            container.mux(stream.encode())
        return path.read_bytes()


def write_gif(film: GameFilm, scale: int) -> bytes:
    """A GIF that repeats, in the 256 colours that suit this film best."""
    colours = _palette(film)
    frames = (
        enlarged(image.quantize(palette=colours, dither=Image.Dither.NONE), scale)
        for image in film.images()
    )
    first = next(frames)
    file = io.BytesIO()
    first.save(
        file,
        "GIF",
        save_all=True,
        append_images=frames,
        duration=_durations(len(film.pngs), film.fps),
        loop=0,
        optimize=False,
    )
    return file.getvalue()


def write_strip(film: GameFilm, scale: int) -> bytes:
    """All frames in one picture, in reading order, with gaps, the rows of about equal length."""
    count = len(film.pngs)
    columns = math.ceil(count / math.ceil(count / STRIP_COLUMNS))
    gap = max(1, film.width // STRIP_GAP) * scale
    frames = (enlarged(image, scale) for image in film.images())
    return to_png(tiled(frames, count, columns, gap))


def write_zip(film: GameFilm, scale: int) -> bytes:
    """A video without loss and its actions, as `playworld record` writes them; `scale` is 1."""
    file = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        frames = (np.asarray(image) for image in film.images())
        stem = file_name(film.title)
        write_recording(Path(folder), stem, frames, film.buttons, film.labels, film.fps, film.about)
        with zipfile.ZipFile(file, "w") as archive:  # the video is compressed already
            for name in (f"{stem}.mp4", f"{stem}.actions.json"):
                archive.write(Path(folder, name), name)
    return file.getvalue()


FORMATS = {
    "mp4": Format("video/mp4", 500_000_000, write_mp4),
    "gif": Format("image/gif", 200_000_000, write_gif),
    "png": Format("image/png", 50_000_000, write_strip),
    "zip": Format("application/zip", 100_000_000, write_zip),
}


def _palette(film: GameFilm) -> Image.Image:
    # From frames spread over the film: one palette for all, so that a still ground stays still.
    images = list(film.images(every=math.ceil(len(film.pngs) / PALETTE_FRAMES)))
    return tiled(images, len(images), 1).quantize(256, Image.Quantize.MEDIANCUT)


def _durations(count: int, fps: float) -> list[int]:
    """Milliseconds per frame in whole hundredths of a second, so that the sum stays right."""
    ends = [10 * round(100 * k / fps) for k in range(count + 1)]
    # Browsers show what is due within 10 ms for 100 ms.
    return [max(20, b - a) for a, b in zip(ends[:-1], ends[1:], strict=True)]

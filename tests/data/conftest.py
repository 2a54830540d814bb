"""Small real videos, written as the tests need them."""

from fractions import Fraction

import av
import numpy as np
import pytest

LOSSLESS = ("libx264rgb", "rgb24", {"qp": "0", "preset": "ultrafast"})


@pytest.fixture(scope="session")
def write_film():
    """`write_film(path, frames, ...)`: encode frames, at a steady rate or at given milliseconds."""

    def write(
        path, frames, fps=20, codec=LOSSLESS, at_ms=None, rotation=0, aspect=None, muxer=None
    ):
        name, pixels, options = codec
        with av.open(str(path), "w", options=muxer or {}) as container:
            stream = container.add_stream(name, rate=fps, options=options)
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = pixels
            if rotation:
                stream.set_display_rotation(rotation)
            if aspect:
                stream.codec_context.sample_aspect_ratio = aspect
            if at_ms:
                stream.codec_context.time_base = Fraction(1, 1000)
            for number, picture in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                frame.pts = at_ms[number] if at_ms else number
                frame.time_base = Fraction(1, 1000) if at_ms else Fraction(1, fps)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture(scope="session")
def shades():
    """`shades(count)`: frames of one colour each, the number of the frame readable from it."""

    def make(count, height=16, width=16):
        values = np.arange(count, dtype=np.uint8)[:, None, None, None]
        return np.broadcast_to(values, (count, height, width, 3))

    return make


@pytest.fixture(scope="session")
def game():
    """`game(count, seed)`: a camera slides over tiles while a sprite leaps about; 64x64."""

    def make(count, seed=0):
        rng = np.random.default_rng(seed)
        palette = rng.integers(0, 256, (5, 3), dtype=np.uint8)
        tiles = palette[rng.integers(0, 5, (16, 9 + count))]
        land = np.repeat(np.repeat(tiles, 8, axis=0), 8, axis=1)
        frames = np.stack([land[32:96, 3 * k : 3 * k + 64] for k in range(count)])
        for frame in frames:
            y, x = rng.integers(0, 52, 2)
            frame[y : y + 12, x : x + 12] = 255 - frame[y : y + 12, x : x + 12]
        return frames

    return make

"""Pictures that are laid over each other: sprites, layers, and the pen that draws them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image, ImageDraw, ImageFilter

from playworld.data.record.zoo.colour import Colour

Pixels = UInt8[np.ndarray, "H W 3"]
FINE, LARGE = 4, 64
"""A pen draws so many times as finely as the sprite that is made of it, up to sprites of so many
pixels."""


@dataclass(frozen=True)
class Sprite:
    """A picture with holes, made so that laying it over another takes two operations on bytes."""

    paint: UInt8[np.ndarray, "H W 3"]
    """Black where it is clear."""
    clear: UInt8[np.ndarray, "H W 3"]
    """255 where what is behind shows, otherwise 0."""

    @classmethod
    def cut(cls, paint: UInt8[np.ndarray, "H W 3"], solid: Bool[np.ndarray, "H W"]) -> "Sprite":
        """The part of a picture that is solid."""
        clear = np.repeat(np.where(solid, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
        return cls(paint & ~clear, clear)

    @classmethod
    def of(cls, image: Image.Image) -> "Sprite":
        """The part of an RGBA picture that is more opaque than clear."""
        rgba = np.asarray(image)
        return cls.cut(rgba[..., :3], rgba[..., 3] > 127)

    def mirrored(self) -> "Sprite":
        """The same, looking the other way."""
        return Sprite(self.paint[:, ::-1].copy(), self.clear[:, ::-1].copy())

    def rounded(self) -> "Sprite":
        """The same, lit from the upper left as if it were a ball."""
        height, width = self.paint.shape[:2]
        y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
        light = (320 - 200 * np.hypot(x - 0.35, y - 0.25)).astype(np.int32)[..., None]
        return Sprite(np.minimum(self.paint * light >> 8, 255).astype(np.uint8), self.clear)

    def onto(self, view: UInt8[np.ndarray, "H W 3"], x: int, y: int) -> None:
        """Lay this over a view with its upper left corner at (x, y), which may be outside."""
        height, width = self.paint.shape[:2]
        left, top = max(x, 0), max(y, 0)
        right, bottom = min(x + width, view.shape[1]), min(y + height, view.shape[0])
        if left >= right or top >= bottom:
            return
        part = (slice(top - y, bottom - y), slice(left - x, right - x))
        there = view[top:bottom, left:right]
        np.bitwise_and(there, self.clear[part], out=there)
        np.bitwise_or(there, self.paint[part], out=there)


@dataclass(frozen=True)
class Layer:
    """A picture as wide as the level needs it, that moves `factor` times as fast as the camera."""

    sprite: Sprite
    factor: float

    def onto(self, view: UInt8[np.ndarray, "H W 3"], x: float, y: float) -> None:
        """Lay what a camera at (x, y), in pixels, sees of this over a view."""
        height, width = view.shape[:2]
        room_y, room_x = (self.sprite.paint.shape[0] - height, self.sprite.paint.shape[1] - width)
        left = min(max(round(x * self.factor), 0), room_x)
        top = min(max(round(y * self.factor), 0), room_y)
        part = (slice(top, top + height), slice(left, left + width))
        np.bitwise_and(view, self.sprite.clear[part], out=view)
        np.bitwise_or(view, self.sprite.paint[part], out=view)


class Pen:
    """Draws in a square from (0, 0), upper left, to (1, 1); what leaves it is cut off."""

    def __init__(self, pixels: int) -> None:
        self.side = max(FINE * min(max(pixels, 4), LARGE), pixels)
        self.image = Image.new("RGBA", (self.side, self.side))
        self.draw = ImageDraw.Draw(self.image)

    def disc(self, x: float, y: float, across: float, down: float, fill: Colour) -> None:
        """An ellipse around (x, y) with these half axes."""
        self.draw.ellipse(self._box(x - across, y - down, x + across, y + down), fill)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        """A rectangle."""
        self.draw.rectangle(self._box(left, top, right, bottom), fill)

    def stick(
        self, start: tuple[float, float], end: tuple[float, float], width: float, fill: Colour
    ) -> None:
        """A line with round ends."""
        points = [(x * self.side, y * self.side) for x, y in (start, end)]
        self.draw.line(points, fill, max(1, round(width * self.side)))
        for x, y in (start, end):
            self.disc(x, y, width / 2, width / 2, fill)

    def shape(self, points: Sequence[tuple[float, float]], fill: Colour) -> None:
        """A polygon."""
        self.draw.polygon([(x * self.side, y * self.side) for x, y in points], fill)

    def _box(self, left: float, top: float, right: float, bottom: float) -> list[float]:
        across, down = sorted((left, right)), sorted((top, bottom))
        return [v * self.side for v in (across[0], down[0], across[1], down[1])]


def outlined(image: Image.Image, width: int, colour: Colour) -> Image.Image:
    """The picture with a line of `width` pixels around it."""
    grown = image.getchannel("A").filter(ImageFilter.BoxBlur(width)).point(lambda a: 255 * (a > 0))
    back = Image.new("RGBA", image.size, (*colour, 255))
    back.putalpha(grown)
    return Image.alpha_composite(back, image)

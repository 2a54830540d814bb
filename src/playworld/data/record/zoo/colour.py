"""Palettes: a few hues that go together, and how light what is far and what is near shall be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

Colour = tuple[int, int, int]

TO_CONE = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)
"""OKLab to the cube roots of cone responses, and these to linear sRGB (Ottosson 2020)."""

SCHEMES = ((0.0,), (0.0, 0.08), (0.0, 0.5), (0.0, 0.33, 0.67), (0.0, 0.42, 0.58), (0.0, 0.1, 0.5))
"""Hues that go together, as turns of the colour circle."""


def oklch(light: float, chroma: float, hue: float) -> Colour:
    """The sRGB colour of a lightness 0..1, a chroma 0..0.3 and a hue in turns."""
    turn = 2 * np.pi * hue
    lab = np.array([light, chroma * np.cos(turn), chroma * np.sin(turn)])
    linear = np.clip(TO_RGB @ (TO_CONE @ lab) ** 3, 0, 1)
    curve = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    red, green, blue = (255 * curve).round().astype(int).tolist()
    return red, green, blue


@dataclass(frozen=True)
class Palette:
    """The colours of one game."""

    hues: tuple[float, ...]
    chroma: float
    """How colourful, 0 to 0.25."""
    back: float
    """Lightness of what is far, 0..1."""
    front: float
    """Lightness of what one stands on."""

    def tone(self, rng: np.random.Generator, light: float, strength: float = 1.0) -> Colour:
        """A colour of about this lightness, `strength` times as colourful as the rest."""
        hue = rng.choice(self.hues) + rng.normal(0, 0.02)
        light = float(np.clip(light + rng.normal(0, 0.02), 0.03, 0.99))
        return oklch(light, strength * self.chroma * rng.uniform(0.7, 1.2), hue)

    def tones(self, rng: np.random.Generator, light: float, contrast: float) -> list[Colour]:
        """Four colours of one hue, from dark to light, around this lightness."""
        hue, chroma = rng.choice(self.hues), self.chroma * rng.uniform(0.7, 1.2)
        drift = rng.normal(0, 0.05)
        steps = np.linspace(-contrast, contrast, 4)
        return [
            oklch(float(np.clip(light + s, 0.02, 0.99)), chroma, hue + drift * s / contrast)
            for s in steps
        ]

    def any(self, rng: np.random.Generator) -> Colour:
        """Any colour at all, rather one that goes with the others."""
        hue = rng.choice(self.hues) if rng.random() < 0.6 else rng.random()
        return oklch(rng.uniform(0.1, 0.97), max(self.chroma, rng.uniform(0.02, 0.2)), float(hue))

    def accent(self, rng: np.random.Generator) -> Colour:
        """A colour that stands out from what is behind and below."""
        lights = rng.uniform(0.1, 0.97, 4)
        light = max(lights, key=lambda v: min(abs(v - self.back), abs(v - self.front)))
        hue = rng.choice(self.hues) + rng.choice([0.0, 0.5, rng.random()])
        return oklch(float(light), max(self.chroma, rng.uniform(0.02, 0.2)), hue)


def palette(rng: np.random.Generator) -> Palette:
    """Draw the colours of a game: grey, dull, natural or loud; dark or light."""
    turn = rng.random()
    if rng.random() < 0.2:
        hues = tuple(rng.random(4).tolist())
    else:
        scheme = SCHEMES[rng.integers(len(SCHEMES))]
        hues = tuple(float(turn + offset) for offset in scheme)
    strengths = ((0.0, 0.01), (0.02, 0.06), (0.06, 0.14), (0.14, 0.25))
    chroma = rng.uniform(*strengths[rng.choice(4, p=[0.05, 0.25, 0.45, 0.25])])
    back = rng.uniform(0.18, 0.95)
    front = rng.uniform(0.2, 0.85)
    if abs(front - back) < 0.2 and rng.random() < 0.9:
        front = back + (0.3 if back < 0.5 else -0.3)
    return Palette(hues, float(chroma), float(back), float(front))


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of the other colour and the rest of the one."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def ramp(
    field: Float[np.ndarray, "H W"], colours: Sequence[Colour], levels: int = 256
) -> UInt8[np.ndarray, "H W 3"]:
    """Paint a field of values 0..1 with colours from the first to the last, in so many levels."""
    stops = np.linspace(0, 1, len(colours))
    at = np.linspace(0, 1, levels)
    table = np.stack([np.interp(at, stops, channel) for channel in zip(*colours, strict=True)], 1)
    index = np.clip(field * levels, 0, levels - 1).astype(np.uint8)
    return table.round().astype(np.uint8)[index]

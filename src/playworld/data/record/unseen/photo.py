"""Photo-like pictures: lands and seas of spectral noise, balls in soft light, blurred lights.

Nothing here is shared with `playworld.data.record.zoo`, whose games are trained on: noise is made
from its spectrum, light is computed from surfaces, and lenses blur.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, UInt8

Rng = np.random.Generator
Field = Float[np.ndarray, "H W"]
Picture = Float[np.ndarray, "H W 3"]
"""Linear light, 0..1 and above."""


def photo(rng: Rng, width: int, height: int) -> UInt8[np.ndarray, "H W 3"]:
    """One picture of any of the kinds, as a camera would have taken it."""
    scene = SCENES[rng.integers(len(SCENES))](rng, width, height)
    return _developed(rng, scene)


def spectral(rng: Rng, width: int, height: int, slope: float, stretch: float = 1.0) -> Field:
    """Noise of mean 0 and deviation 1 whose amplitude falls with frequency to the power `slope`.

    It repeats at the edges; `stretch` above 1 makes it wider than high.
    """
    down = np.fft.fftfreq(height)[:, None] * height
    across = np.fft.rfftfreq(width)[None] * height * stretch
    frequency = np.maximum(np.hypot(down, across), 1.0)
    shape = frequency.shape
    waves = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    field = np.fft.irfft2(waves * frequency**-slope, s=(height, width))
    return ((field - field.mean()) / max(field.std(), 1e-9)).astype(np.float32)


def _blurred(field: Field, radius: float) -> Field:
    """The field through a Gaussian of this radius in pixels, around the edges."""
    down = np.fft.fftfreq(field.shape[0])[:, None]
    across = np.fft.rfftfreq(field.shape[1])[None]
    pass_band = np.exp(-2 * (np.pi * radius) ** 2 * (down**2 + across**2))
    return np.fft.irfft2(np.fft.rfft2(field) * pass_band, s=field.shape).astype(np.float32)


def _between(field: Field, stops: Float[np.ndarray, "N 3"]) -> Picture:
    """Colours for values 0..1, from the first stop to the last."""
    at = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(field, at, stops[:, c]) for c in range(3)], axis=2)


def _developed(rng: Rng, scene: Picture) -> UInt8[np.ndarray, "H W 3"]:
    """Exposure, white balance, the darker corners of a lens, a film's curve and its grain."""
    height, width = scene.shape[:2]
    white = 1 + rng.normal(0, 0.05, 3)
    exposed = scene * white * rng.uniform(0.8, 1.2)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    exposed *= (1 - rng.uniform(0, 0.25) * (x**2 + y**2) / 2)[..., None]
    curve = 1 - np.exp(-1.6 * np.clip(exposed, 0, None))
    grain = rng.normal(0, rng.uniform(0, 0.012), (height, width, 1))
    return (255 * np.clip(curve ** (1 / 1.6) + grain, 0, 1)).round().astype(np.uint8)


def _sun(rng: Rng) -> Float[np.ndarray, "3"]:
    """The direction to the light: x to the right, y down the picture, z to the camera."""
    turn, high = rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.1)
    return np.array([np.cos(turn) * np.cos(high), np.sin(turn) * np.cos(high), np.sin(high)])


GROUNDS = np.array(
    [
        [[0.05, 0.16, 0.05], [0.16, 0.26, 0.08], [0.38, 0.32, 0.2], [0.75, 0.75, 0.78]],
        [[0.5, 0.36, 0.2], [0.62, 0.44, 0.25], [0.45, 0.25, 0.14], [0.3, 0.16, 0.1]],
        [[0.16, 0.17, 0.16], [0.3, 0.3, 0.28], [0.5, 0.48, 0.45], [0.92, 0.94, 0.97]],
        [[0.12, 0.2, 0.05], [0.35, 0.4, 0.1], [0.55, 0.42, 0.12], [0.4, 0.2, 0.1]],
    ]
)
"""Earth from low to high: alpine, desert, snow and rock, autumn."""


def _aerial(rng: Rng, width: int, height: int) -> Picture:
    """Land from an aeroplane: hills in slanting light, water below a level."""
    land = spectral(rng, width, height, rng.uniform(1.7, 2.3))
    rough = spectral(rng, width, height, 1.0)
    slope_y, slope_x = np.gradient(land * height / 60)
    normal = np.dstack([-slope_x, -slope_y, np.ones_like(land)])
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    light = np.clip(normal @ _sun(rng), 0, None) + 0.25
    heights = np.clip(0.5 + land / 5 + 0.03 * rough, 0, 1)
    paint = _between(heights, GROUNDS[rng.integers(len(GROUNDS))]) * (1 + 0.12 * rough[..., None])
    scene = paint * light[..., None]
    level = rng.uniform(-1.5, 0.3)
    water = np.array([0.03, 0.1, 0.16]) * rng.uniform(0.6, 2.0)
    depth = np.clip((level - land) * 4, 0, 1)[..., None]
    return scene * (1 - depth) + water * depth * (1 + 0.1 * rough[..., None])


def _sky(rng: Rng, width: int, height: int) -> Picture:
    """A sky by day or at dusk, with clouds lit from one side."""
    dusk = rng.random()
    top = np.array([0.1, 0.25, 0.6]) * (1 - 0.7 * dusk) + np.array([0.1, 0.08, 0.2]) * dusk * 0.7
    low = np.array([0.6, 0.75, 0.9]) * (1 - dusk) + np.array([1.0, 0.5, 0.2]) * dusk
    down = np.linspace(0, 1, height)[:, None, None]
    scene = np.repeat(top + (low - top) * down, width, axis=1)
    cloud = spectral(rng, width, height, rng.uniform(1.4, 1.9), rng.uniform(1.2, 2.5))
    cover = np.clip((cloud - rng.uniform(-0.5, 1.2)) * 0.9, 0, 1)[..., None]
    shade = np.clip(0.75 + 0.5 * (cloud - np.roll(cloud, (height // 30 + 1, 3), (0, 1))), 0.3, 1.3)
    lit = (0.55 * low + 0.5) * shade[..., None]
    return scene * (1 - cover) + lit * cover


def _valley(rng: Rng, width: int, height: int) -> Picture:
    """Ridge behind ridge down to a plain, each nearer one less in the haze."""
    scene = _sky(rng, width, height)
    haze = scene[height // 2].mean(axis=0)
    stops = GROUNDS[rng.integers(len(GROUNDS))]
    ridges = int(rng.integers(3, 7))
    rows = np.arange(height)[:, None]
    for ridge in range(ridges):
        near = (ridge + 1) / ridges
        line = spectral(rng, width, height, rng.uniform(1.5, 2.2))[0]
        level = height * (0.35 + 0.5 * near) - line * height * 0.07 * (1.4 - near)
        relief = spectral(rng, width, height, 1.4)
        light = np.clip(0.8 + 0.9 * (relief - np.roll(relief, (2, 3), (0, 1))), 0.15, 2)
        tone = np.clip(0.5 + relief / 6 - 0.25 * near, 0, 1)
        paint = _between(tone, stops) * light[..., None]
        hidden = np.exp(-2.2 * near)
        edge = np.clip(rows - level[None] + 0.5, 0, 1)[..., None]
        scene = scene * (1 - edge) + (paint * (1 - hidden) + haze * hidden) * edge
    return scene


def _sea(rng: Rng, width: int, height: int) -> Picture:
    """Water to the horizon under a sky, with the sun's path on it."""
    sky = _sky(rng, width, height)
    horizon = int(height * rng.uniform(0.3, 0.6))
    scene = sky.copy()
    depth = np.linspace(0.02, 1, height - horizon)[:, None]
    waves = spectral(rng, width, height, 1.0, 5.0)[horizon:]
    mirror = sky[horizon - 1 :: -1][: height - horizon]
    mirror = np.concatenate([mirror, np.repeat(mirror[-1:], height, 0)])[: height - horizon]
    deep = np.array([0.02, 0.1, 0.14]) * rng.uniform(0.5, 2.5)
    tilt = np.clip(0.5 + 0.4 * waves * (0.3 + depth), 0, 1)[..., None]
    water = mirror * 0.7 * tilt + deep * (1 - tilt)
    x = (np.arange(width) / width - rng.random())[None]
    path = np.exp(-((x / (0.03 + 0.12 * depth)) ** 2)) * np.clip(waves, 0, None)
    scene[horizon:] = water + (path * rng.uniform(0, 1.2))[..., None]
    return scene


def _lights(rng: Rng, width: int, height: int) -> Picture:
    """Lights far behind the focus: discs, some brighter, over a blurred evening."""
    glow = np.stack([_blurred(rng.random((height, width)) - 0.5, height / 6) for _ in range(3)], 2)
    scene = 0.12 + glow / max(float(np.abs(glow).max()), 1e-6) * 0.1
    y, x = np.mgrid[:height, :width]
    hues = rng.random((3, 3)) ** 2 + 0.1
    for _ in range(int(rng.integers(20, 70))):
        radius = height * rng.uniform(0.02, 0.11)
        cx, cy = rng.random() * width, rng.normal(0.5, 0.25) * height
        away = np.hypot(x - cx, y - cy) / radius
        disc = np.clip((1 - away) * radius, 0, 1) * (0.75 + 0.25 * np.clip(away, 0, 1) ** 6)
        scene += disc[..., None] * hues[rng.integers(3)] * rng.uniform(0.05, 1.5)
    return scene


def _still_life(rng: Rng, width: int, height: int) -> Picture:
    """Balls on a table by a wall, with soft shadows, a sheen, and a blurred wall behind."""
    wall = _between(
        np.clip(0.5 + _blurred(spectral(rng, width, height, 1.6), height / 30) / 5, 0, 1),
        rng.random((3, 3)) * 0.5 + 0.08,
    )
    edge = int(height * rng.uniform(0.35, 0.6))
    wood = spectral(rng, width, height, 1.3, rng.choice([1.0, 12.0]))
    table = _between(np.clip(0.5 + wood / 5, 0, 1), rng.random(3)[None] * [[0.3], [0.5], [0.7]])
    scene = wall.copy()
    scene[edge:] = table[edge:] * np.linspace(0.6, 1.15, height - edge)[:, None, None]
    sun = _sun(rng)
    sun[1] = -abs(sun[1]) - 0.2
    sun /= np.linalg.norm(sun)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    balls = sorted(
        (float(rng.uniform(edge + 0.1 * (height - edge), height)), float(rng.random() * width))
        for _ in range(int(rng.integers(3, 4 + 3 * width // height)))
    )
    for foot, cx in balls:
        radius = height * rng.uniform(0.06, 0.2) * (0.5 + 0.5 * foot / height)
        cy = foot - radius
        shadow = np.hypot((x - cx + sun[0] * radius * 1.5) / 1.7, (y - foot) / 0.45) / radius
        dark = 0.65 * np.exp(-(shadow**4)) * (y >= edge)
        scene *= (1 - dark)[..., None]
        u, v = (x - cx) / radius, (y - cy) / radius
        inside = np.clip((1 - np.hypot(u, v)) * radius, 0, 1)[..., None]
        w = np.sqrt(np.clip(1 - u**2 - v**2, 0, 1))
        lambert = np.clip(u * sun[0] + v * sun[1] + w * sun[2], 0, 1)
        sheen = np.clip(2 * lambert * w - sun[2], 0, 1) ** rng.uniform(8, 60)
        skin = 1 + rng.uniform(0, 0.25) * spectral(rng, width, height, 1.4)
        paint = (rng.random(3) ** 1.5 + 0.04) * (skin * (0.15 + lambert))[..., None]
        scene = scene * (1 - inside) + (paint + 0.8 * sheen[..., None]) * inside
    return scene


def _leaves(rng: Rng, width: int, height: int) -> Picture:
    """Foliage, stones or fur from near by: many soft-edged pieces over each other."""
    scene = np.zeros((height, width, 3)) + rng.random(3) * 0.05
    stops = GROUNDS[rng.integers(len(GROUNDS))]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    long, count = rng.uniform(1, 4), 60 * width // height
    for k in range(count):
        cx, cy, turn = rng.random() * width, rng.random() * height, rng.normal(0, 1.2)
        size = height * rng.uniform(0.04, 0.12)
        reach = int(size * long) + 2
        part = np.s_[
            max(0, int(cy) - reach) : int(cy) + reach, max(0, int(cx) - reach) : int(cx) + reach
        ]
        u = ((x[part] - cx) * np.cos(turn) + (y[part] - cy) * np.sin(turn)) / (size * long)
        v = ((y[part] - cy) * np.cos(turn) - (x[part] - cx) * np.sin(turn)) / size
        away = np.hypot(u, v)
        edge = np.clip((1 - away) * size, 0, 1)[..., None]
        light = (0.3 + 0.9 * k / count) * np.clip(1 - 0.5 * v + 0.15 * np.cos(18 * u), 0.1, 2)
        paint = _between(np.full((1, 1), rng.random()), stops) * light[..., None]
        scene[part] = scene[part] * (1 - edge) + paint * edge
    return scene


Scene = Callable[[Rng, int, int], Picture]
SCENES: tuple[Scene, ...] = (
    *(_aerial, _aerial, _sky, _valley, _valley, _sea, _lights, _still_life, _still_life),
    _leaves,
)

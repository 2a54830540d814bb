"""Where things are: a grid of tiles, laid out so that a figure gets about in it."""

from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8

EMPTY, GROUND, BLOCK, LEDGE, LADDER, WATER, BOUNCE = range(7)
SOLID = (GROUND, BLOCK, BOUNCE)

Grid = UInt8[np.ndarray, "rows columns"]
Rng = np.random.Generator
HEADROOM = 3
"""Empty tiles above a floor that one walks on."""


def side_level(rng: Rng, columns: int, rows: int, leap: int) -> Grid:
    """A level seen from the side whose every step is at most `leap` tiles high."""
    if rows > 1.8 * columns:
        grid = _tower(rng, columns, rows, leap)
    elif rng.random() < 0.25:
        grid = _floors(rng, columns, rows, leap)
    else:
        grid = _land(rng, columns, rows, leap)
        if rng.random() < 0.25:
            _ceiling(rng, grid, leap)
        if rng.random() < 0.7:
            _ledges(rng, grid, leap)
        if rng.random() < 0.3:
            _ladders(rng, grid)
    if rng.random() < 0.12:
        _springs(rng, grid)
    return grid


def open_level(rng: Rng, columns: int, rows: int, leap: int, margin: int) -> Grid:
    """Land and ledges alone, with `margin` rows more above and below, so that no jump ends there.

    Where there are no ladders, no water and no springs, whatever rises has jumped.
    """
    grid = _land(rng, columns, rows, leap)
    if rng.random() < 0.7:
        _ledges(rng, grid, leap)
    grid[grid == WATER] = EMPTY
    return np.pad(grid, ((margin, margin), (0, 0)), mode="edge")


def _land(rng: Rng, columns: int, rows: int, leap: int) -> Grid:
    """Ground that rises and falls, from left to right."""
    grid = np.zeros((rows, columns), np.uint8)
    longest = int(rng.choice([3, 6, 12, 30]))
    rough = int(rng.integers(1, leap + 1))
    pits, pillars = rng.uniform(0, 0.2), rng.uniform(0, 0.25)
    water = rng.random() < 0.3
    highest, lowest = min(max(HEADROOM + leap, rows // 3), rows - 2), rows - 1
    y = int(rng.integers(highest, lowest + 1))
    x = 0
    while x < columns:
        run = int(rng.integers(1 if longest < 6 else 2, longest + 1))
        chance = rng.random()
        if chance < pits and y < lowest:
            deep = min(lowest, y + leap)
            grid[deep:, x : x + run] = GROUND
            if water:
                grid[y:deep, x : x + run] = WATER
        elif chance < pits + pillars and y - 1 > HEADROOM:
            grid[y:, x : x + run] = GROUND
            tall = min(int(rng.integers(1, leap + 1)), y - HEADROOM)
            spot = x + int(rng.integers(0, max(1, min(run, columns - x) - 1)))
            grid[y - tall : y, spot] = BLOCK
        else:
            grid[y:, x : x + run] = GROUND
        x += run
        if rng.random() < 0.7:
            y = int(np.clip(y + rng.integers(-rough, rough + 1), highest, lowest))
    return grid


def _ceiling(rng: Rng, grid: Grid, leap: int) -> None:
    """Turn a land into a cave."""
    rows, columns = grid.shape
    floor = (grid > 0).argmax(axis=0)
    depth = 1
    for x in range(columns):
        if rng.random() < 0.4:
            depth += int(rng.integers(-1, 2))
        near = floor[max(0, x - 2) : x + 3].min()
        depth = int(np.clip(depth, 0, max(0, near - HEADROOM - leap)))
        grid[:depth, x] = GROUND


def _ledges(rng: Rng, grid: Grid, leap: int) -> None:
    """Hang ledges and rows of blocks within reach above the ground, some above each other."""
    rows, columns = grid.shape
    kind = LEDGE if rng.random() < 0.5 else BLOCK
    for _ in range(int(rng.integers(1, max(2, columns * rows // 30)))):
        wide = int(rng.integers(1, 7))
        x = int(rng.integers(0, max(1, columns - wide)))
        below = np.nonzero(grid[:, x : x + wide].any(axis=1))[0]
        if not len(below):
            continue
        y = int(below[0]) - max(leap, 2) - int(rng.integers(0, 2))
        around = grid[max(0, y - 2) : y + 2, max(0, x - 1) : x + wide + 1]
        if y >= HEADROOM and not around.any():
            grid[y, x : x + wide] = kind


def _floors(rng: Rng, columns: int, rows: int, leap: int) -> Grid:
    """Storeys with gaps, and ladders between them."""
    grid = np.zeros((rows, columns), np.uint8)
    grid[-1] = GROUND
    gap = max(int(rng.integers(HEADROOM, HEADROOM + 3)), 3)
    for y in range(rows - 1 - gap, 1, -gap):
        grid[y] = LEDGE if rng.random() < 0.5 else BLOCK
        for _ in range(max(1, columns // 10)):
            x = int(rng.integers(0, columns))
            grid[y, x : x + int(rng.integers(1, 4))] = EMPTY
        for _ in range(max(1, columns // 9)):
            x = int(rng.integers(0, columns))
            if grid[y, x] and not grid[y + 1 : y + gap, x].any():
                grid[y : y + gap, x] = LADDER
    return grid


def _tower(rng: Rng, columns: int, rows: int, leap: int) -> Grid:
    """A shaft to climb: ledges within a leap of each other, ladders where there are none."""
    grid = np.zeros((rows, columns), np.uint8)
    grid[-1] = GROUND
    if rng.random() < 0.6:
        grid[:, 0] = grid[:, -1] = GROUND
    kind = LEDGE if rng.random() < 0.7 else BLOCK
    y = rows - 1
    while y > HEADROOM:
        rise = max(2, leap - int(rng.integers(0, 2)))
        y -= rise
        for _ in range(int(rng.integers(1, 3))):
            wide = int(rng.integers(2, max(3, columns // 2)))
            x = int(rng.integers(0, max(1, columns - wide)))
            grid[max(y, 1), x : x + wide] = kind
        if rng.random() < 0.3:
            spot = int(rng.integers(1, columns - 1))
            grid[max(y, 1) : min(y + rise, rows - 1), spot] = LADDER
    return grid


def _ladders(rng: Rng, grid: Grid) -> None:
    """Lead ladders from the ground up to ledges."""
    for y, x in zip(*np.nonzero((grid == LEDGE) | (grid == BLOCK)), strict=True):
        below = grid[y + 1 :, x]
        free = int((below > 0).argmax()) if below.any() else 0
        if free > 1 and rng.random() < 0.25:
            grid[y : y + 1 + free, x] = LADDER


def _springs(rng: Rng, grid: Grid) -> None:
    """Make some tiles of the ground throw back what falls on them."""
    top = (grid[1:] == GROUND) & (grid[:-1] == EMPTY)
    grid[1:][top & (rng.random(top.shape) < 0.05)] = BOUNCE


def top_level(rng: Rng, columns: int, rows: int) -> Grid:
    """A level seen from above."""
    layouts: tuple[Callable[[Rng, int, int], Grid], ...] = (_field, _field, _caverns, _rooms, _maze)
    return layouts[rng.integers(len(layouts))](rng, columns, rows)


def _framed(rng: Rng, grid: Grid) -> Grid:
    if rng.random() < 0.6:
        grid[0] = grid[-1] = GROUND
        grid[:, 0] = grid[:, -1] = GROUND
    return grid


def _field(rng: Rng, columns: int, rows: int) -> Grid:
    """Blocks here and there."""
    grid = np.zeros((rows, columns), np.uint8)
    density = rng.uniform(0, 0.18)
    grid[rng.random((rows, columns)) < density] = BLOCK
    for _ in range(int(rng.integers(0, 6))):
        y, x = int(rng.integers(rows)), int(rng.integers(columns))
        tall, wide = (
            (1, int(rng.integers(2, 8))) if rng.random() < 0.5 else (int(rng.integers(2, 8)), 1)
        )
        grid[y : y + tall, x : x + wide] = GROUND
    return _framed(rng, grid)


def _caverns(rng: Rng, columns: int, rows: int) -> Grid:
    """Rounded halls, by a cellular automaton."""
    wall = (rng.random((rows, columns)) < rng.uniform(0.35, 0.45)).astype(np.uint8)
    for _ in range(3):
        padded = np.pad(wall, 1, mode="edge")
        around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
        wall = (around.sum(axis=(2, 3)) >= 5).astype(np.uint8)
    return _framed(rng, wall * np.uint8(GROUND))


def _rooms(rng: Rng, columns: int, rows: int) -> Grid:
    """Rooms with doors, and a few things in them."""
    grid = np.zeros((rows, columns), np.uint8)
    wide, tall = int(rng.integers(4, 9)), int(rng.integers(4, 9))
    for x in range(wide, columns - 2, wide):
        grid[:, x] = GROUND
        for y in range(0, rows, tall):
            door = y + int(rng.integers(1, tall))
            grid[door : door + 2, x] = EMPTY
    for y in range(tall, rows - 2, tall):
        walls = rng.random(columns) < 0.95
        grid[y, walls] = GROUND
        for x in range(0, columns, wide):
            door = x + int(rng.integers(1, wide))
            grid[y, door : door + 2] = EMPTY
    free = (grid == EMPTY) & (rng.random(grid.shape) < rng.uniform(0, 0.06))
    grid[free] = BLOCK
    return _framed(rng, grid)


def _maze(rng: Rng, columns: int, rows: int) -> Grid:
    """Corridors one tile wide, with some walls taken out."""
    grid = np.full((rows, columns), GROUND, np.uint8)
    stack = [(1, 1)]
    grid[1, 1] = EMPTY
    while stack:
        y, x = stack[-1]
        ways = [
            (dy, dx)
            for dy, dx in ((0, 2), (0, -2), (2, 0), (-2, 0))
            if 0 < y + dy < rows and 0 < x + dx < columns and grid[y + dy, x + dx]
        ]
        if not ways:
            stack.pop()
            continue
        dy, dx = ways[rng.integers(len(ways))]
        grid[y + dy // 2, x + dx // 2] = grid[y + dy, x + dx] = EMPTY
        stack.append((y + dy, x + dx))
    inner = grid[1:-1, 1:-1]
    inner[(inner > 0) & (rng.random(inner.shape) < rng.uniform(0.02, 0.3))] = EMPTY
    return grid


def air_level(rng: Rng, columns: int, rows: int) -> Grid:
    """A level to fly or swim in: nothing, islands, or a corridor of rock."""
    grid = np.zeros((rows, columns), np.uint8)
    kind = rng.random()
    if kind < 0.4:
        low, high = 1, 1
        for x in range(columns):
            low = int(np.clip(low + rng.integers(-1, 2), 0, max(0, rows // 2 - 2)))
            high = int(np.clip(high + rng.integers(-1, 2), 0, max(0, rows // 2 - 2)))
            grid[:high, x] = GROUND
            grid[rows - low :, x] = GROUND
    elif kind < 0.8:
        for _ in range(int(rng.integers(1, max(2, rows * columns // 25)))):
            y, x = int(rng.integers(rows)), int(rng.integers(columns))
            grid[y : y + int(rng.integers(1, 3)), x : x + int(rng.integers(1, 5))] = BLOCK
    return grid

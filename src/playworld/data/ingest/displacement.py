"""How much of a picture cannot be found anywhere near in the one before, whatever has moved."""

import functools

import numpy as np
from jaxtyping import Float, Int64, UInt8

GRID = 16
"""Cells along the shorter side of the picture that is compared."""
REACH = 6
"""Largest movement of the camera between two frames, in cells."""
BLOCK = 2
"""Cells along the side of a block; blocks may also move by one cell on their own."""
PARTS = 4
"""Positions per cell at which the means of cells are known."""

ONE_THREAD = 2**18
"""Multiplications of a matrix product, above which OpenBLAS splits it among threads."""

Frame = UInt8[np.ndarray, "H W 3"]
Cells = UInt8[np.ndarray, "_ _ 3"]
Blocks = Float[np.ndarray, "_ _ rows columns"]
"""A value of each block under each shift of the picture down and right."""


def to_cells(frame: Frame) -> Cells:
    """Mean colours of cells, about 16 along the shorter side, at every quarter of a cell."""
    height, width = frame.shape[:2]
    side = max(1, round(min(height, width) / (GRID * PARTS)))
    block = PARTS * BLOCK
    rows, columns = height // side // block * block, width // side // block * block
    means = np.empty((rows + PARTS - 1, columns + PARTS - 1, 3), dtype=np.uint16)
    means[:rows, :columns] = _means(frame[: rows * side, : columns * side], side)
    means[rows:, :columns] = means[rows - 1, :columns]
    means[:, columns:] = means[:, columns - 1 : columns]
    pairs = means[:-1] + means[1:]
    tall = pairs[:-2] + pairs[2:]
    pairs = tall[:, :-1] + tall[:, 1:]
    return ((pairs[:, :-2] + pairs[:, 2:]) // PARTS**2).astype(np.uint8)


def _means(frame: Frame, side: int) -> np.ndarray:
    """Mean colours, rounded down, of squares of `side` pixels."""
    if side == 1:
        return frame
    rows, columns = (count // side for count in frame.shape[:2])
    sums = frame.reshape(rows, side, -1).sum(axis=1, dtype=np.uint32)
    return sums.reshape(rows, columns, side, 3).sum(axis=2) // side**2


class Search:
    """Looks for each picture in the one before, along a film.

    Keeps its working memory: the system provides fresh memory page by page, which takes longer
    than the arithmetic.
    """

    def __init__(self, little: float, enough: float) -> None:
        """Args: differences up to `little` are looked at no closer, up to `enough` not at all."""
        self.little, self.enough = little, enough
        self.shift = (0, 0)
        """By which the camera moved last, down and right, in `PARTS` of a cell."""
        self._bytes = np.empty((2, 0), dtype=np.uint8)
        self._floats = np.empty(0, dtype=np.float32)

    def difference(self, before: Cells, after: Cells) -> float:
        """Mean difference per colour (0 to 255) that no movement of camera and blocks explains.

        Tries the last shift again, then every shift of the picture up to `REACH` cells, then
        quarters of a cell around the best one. Lets each block lie one cell further on, and leaves
        out what came into view from outside. Never more than the mean difference in place, which is
        returned where it is little.
        """
        cells, cells_before = (np.ascontiguousarray(x[::PARTS, ::PARTS]) for x in (after, before))
        in_place = float(_distance(cells_before, cells).mean())
        if in_place <= self.little:
            return in_place
        down, right = self.shift
        inside = _inside(cells.shape[0] // BLOCK, cells.shape[1] // BLOCK)
        overlap = inside[REACH + int(down / PARTS), REACH + int(right / PARTS)]
        found = self._blocks(before, cells, (down - PARTS, right - PARTS), 3, PARTS, PARTS)
        again = float((_least_nearby(found, 1) * overlap).sum() / overlap.sum())
        if again <= self.enough:
            return again
        found = self._blocks(cells_before, cells, (-REACH, -REACH), 2 * REACH + 1, 1, 1)
        counts = inside.sum(axis=(2, 3))
        costs = (_least_nearby(_edged(found), 1) * inside).sum(axis=(2, 3)) / np.maximum(counts, 1)
        # With less than this in view, any shift could match.
        costs[counts < 0.4 * counts.max()] = np.inf
        down, right = _place_of_least(costs)
        coarse, overlap = min(in_place, float(costs[down, right])), inside[down, right]
        self.shift = top, left = PARTS * (down - REACH), PARTS * (right - REACH)
        if coarse <= self.little:
            return coarse
        # Part of a cell off, fine texture differs as much as another picture would: look closer.
        first = 1 - PARTS
        corner, shifts = (top + first - PARTS, left + first - PARTS), 2 * (2 * PARTS - 1) + 1
        found = self._blocks(before, cells, corner, shifts, PARTS, 1)
        costs = (_least_nearby(found, PARTS) * overlap).sum(axis=(2, 3)) / overlap.sum()
        down, right = _place_of_least(costs)
        self.shift = top + first + down, left + first + right
        return min(coarse, float(costs[down, right]))

    def _blocks(
        self,
        before: Cells,
        cells: Cells,
        corner: tuple[int, int],
        shifts: int,
        spacing: int,
        step: int,
    ) -> Blocks:
        """Mean difference of each block under `shifts` shifts down and as many right.

        The first is by `corner`, each further one by `step` more, all in entries of `before`, in
        which the `cells` lie `spacing` apart. Beyond its edges `before` goes on as there. In bytes,
        along whole pictures, with one matrix product for the sums.
        """
        (height, width, _), phases = cells.shape, spacing // step
        rows, columns = (
            _places(first, shifts, count, end, spacing, step)
            for first, count, end in zip(corner, (height, width), before.shape, strict=False)
        )
        line = width * 3
        apart = rows.shape[1] - height + 1  # shifts of a phase, whole cells from each other
        # (phase down, line, phase right, shift right, line of cells)
        around = before[rows.ravel()].take(columns.ravel(), axis=1).reshape(*rows.shape, phases, -1)
        strips = _windows(around, line, 3).transpose(0, 2, 3, 1, 4)
        pictures = _windows(strips.reshape(phases, phases, apart, -1), height * line, line)
        change = self._change(pictures, cells).reshape(-1, BLOCK * line)
        means = _in_parts(change, _to_blocks(width))
        blocks = means.reshape(phases, phases, apart, apart, height // BLOCK, width // BLOCK)
        every = apart * phases
        blocks = blocks.transpose(3, 0, 2, 1, 4, 5).reshape(every, every, *blocks.shape[4:])
        return blocks[:shifts, :shifts]

    def _change(self, pictures: np.ndarray, cells: Cells) -> Float[np.ndarray, " _"]:
        """How much each colour of each cell differs from `cells` in all of the pictures."""
        count = pictures.size
        if count > len(self._floats):
            self._bytes = np.empty((2, count), dtype=np.uint8)
            self._floats = np.empty(count, dtype=np.float32)
        more, less = (memory[:count].reshape(pictures.shape) for memory in self._bytes)
        np.maximum(pictures, cells.reshape(-1), out=more)
        np.minimum(pictures, cells.reshape(-1), out=less)
        change = self._floats[:count]
        np.subtract(more, less, out=more)
        change[:] = more.reshape(-1)
        return change


def _distance(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.maximum(one, other) - np.minimum(one, other)


@functools.cache
def _places(
    first: int, shifts: int, count: int, end: int, spacing: int, step: int
) -> Int64[np.ndarray, "phases entries"]:
    """Entries that `count` cells meet under all shifts; cells of one phase lie in a row."""
    phases = spacing // step
    entries = count + (shifts - 1) // phases
    places = first + step * np.arange(phases)[:, None] + spacing * np.arange(entries)
    return np.clip(places, 0, end - 1)


def _windows(x: np.ndarray, size: int, step: int) -> np.ndarray:
    """Views of `size` entries along the last axis of a whole array, `step` apart."""
    shape = (*x.shape[:-1], (x.shape[-1] - size) // step + 1, size)
    strides = (*x.strides[:-1], step * x.strides[-1], x.strides[-1])
    return np.ndarray(shape, x.dtype, x, strides=strides)  # a tenth of the time of `as_strided`


def _in_parts(lines: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The product of both, in parts so small that OpenBLAS gives none to threads that only wait."""
    product = np.empty((len(lines), matrix.shape[1]), dtype=np.float32)
    most = max(1, ONE_THREAD // matrix.size)
    for start in range(0, len(lines), most):
        part = slice(start, start + most)
        np.matmul(lines[part], matrix, out=product[part])
    return product


@functools.cache
def _to_blocks(width: int) -> np.ndarray:
    """Maps `BLOCK` lines of `width` cells in colour to the means of blocks."""
    of_line = np.kron(np.eye(width // BLOCK, dtype=np.float32), np.ones((BLOCK * 3, 1), np.float32))
    return np.tile(of_line, (BLOCK, 1)) / (BLOCK * BLOCK * 3)


@functools.cache
def _inside(rows: int, columns: int) -> Blocks:
    """For each shift, which blocks lie inside the frame before (1.0) and which do not (0.0)."""
    shift = np.arange(-REACH, REACH + 1)

    def along(count: int) -> np.ndarray:
        start = shift[:, None] + BLOCK * np.arange(count)
        return ((start >= 0) & (start + BLOCK <= count * BLOCK)).astype(np.float32)

    return along(rows)[:, None, :, None] * along(columns)[None, :, None, :]


def _edged(x: Blocks) -> Blocks:
    """With one more shift on every side, under which nothing is alike."""
    down, right, *blocks = x.shape
    edged = np.full((down + 2, right + 2, *blocks), np.inf, dtype=np.float32)
    edged[1:-1, 1:-1] = x
    return edged


def _least_nearby(x: Blocks, reach: int) -> Blocks:
    """Smallest of the values up to `reach` shifts away, under the shifts that have all of those."""
    for _ in range(2):
        known = 1
        while known <= 2 * reach:
            further = min(known, 2 * reach + 1 - known)
            x = np.minimum(x[:-further], x[further:])
            known += further
        x = x.swapaxes(0, 1)
    return x


def _place_of_least(costs: Float[np.ndarray, "down right"]) -> tuple[int, int]:
    down, right = np.unravel_index(int(costs.argmin()), costs.shape)
    return int(down), int(right)

"""How the picture moved between two frames, by registration, and what the player would call it.

Axes: x to the right, y down, in pixels. A displacement is that of the *picture*: (3, 0) says that
what was at column 10 is now at column 13. Most games keep the character in the middle and move the
camera, so the picture goes left while the character goes right: `player_movements` takes the camera
into account.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from playworld.evaluate.moving import moving_displacement
from playworld.evaluate.options import Camera
from playworld.models.pixels import to_float

WINDOW = 0.3
"""Largest displacement looked for along each axis, as a share of the picture's shorter side.

19 pixels of 64: falls in CoinRun take up to 15 within a tenth of a second."""

STILL_ERROR = 1e-4
"""Mean squared change (of values in [0, 1]) below which two pictures count as the same: 40 dB."""

EXPLAINED = 0.8
"""A picture moved if its best alignment leaves at most this share of the error at rest."""

NEAR_TIE = 1.1
"""Alignments within this factor of the best error tie; the shortest displacement wins."""

STANDS = 0.7
"""Share of the changes of a clip that leave the whole picture where it was, from which on its
camera is fixed."""

MIXED = 0.25
"""Share of the clips with the other camera from which on every clip is taken by its own."""

HALF_PIXEL = 0.5
"""Smallest displacement, in pixels, that counts as a direction."""

PAIRS_AT_ONCE = 128
"""Pairs registered together: their spectra take about 0.5 MB each at 64x64."""

FAST_LENGTH = 12
"""Transforms are padded to a multiple of it: 83, a prime, takes several times as long as 84."""

HORIZONTAL = ("left", "none", "right")
VERTICAL = ("up", "none", "down")
CLASSES = tuple(f"{h}-{v}" for h in HORIZONTAL for v in VERTICAL)
"""Movement classes, horizontal before vertical: "right-up", "none-none", ..."""


@dataclass(frozen=True)
class Displacement:
    """Displacements of `pairs` pictures with the mean squared errors they were judged by."""

    xy: Float[Tensor, "pairs 2"]
    """Pixels, x right and y down; exactly (0, 0) where no shift explains the change."""
    aligned: Float[Tensor, " pairs"]
    """Error over the overlap at the best alignment."""
    unaligned: Float[Tensor, " pairs"]
    """Error at rest."""


def displacement(
    before: UInt8[Tensor, "pairs H W C"], after: UInt8[Tensor, "pairs H W C"]
) -> Displacement:
    """Register each pair: the shift within `WINDOW` that leaves the smallest squared error.

    Plain phase correlation gives every frequency the same weight, and in the black or flat areas
    that games are full of those are noise. This takes the exact error of every whole-pixel shift
    over the part that both pictures show (all at once, by FFT), so that flat areas cost nothing
    and gain nothing, then refines the best to a fraction of a pixel with a parabola. The picture
    counts as still unless the shift explains the change (`EXPLAINED`), and tiled ground, which
    matches itself at every tile, goes to the shortest of the good shifts (`NEAR_TIE`).
    """
    reach = max(1, int(WINDOW * min(before.shape[1:3])))
    parts = zip(before.split(PAIRS_AT_ONCE), after.split(PAIRS_AT_ONCE), strict=True)
    errors = torch.cat([_shift_errors(to_float(a), to_float(b), reach) for a, b in parts])
    unaligned, best = errors[:, reach, reach], errors.flatten(1).amin(dim=1)
    ticks = torch.arange(-reach, reach + 1, dtype=torch.float64)
    length = (ticks[:, None].square() + ticks.square()).flatten()
    good = errors.flatten(1) <= (best * NEAR_TIE + STILL_ERROR / 10)[:, None]
    chosen = torch.where(good, length, torch.inf).argmin(dim=1)
    aligned = errors.flatten(1).gather(1, chosen[:, None]).squeeze(1)
    row, column = chosen // len(ticks), chosen % len(ticks)
    pairs = torch.arange(len(errors))
    x = ticks[column] + _parabola(errors[pairs, row], column)
    y = ticks[row] + _parabola(errors[pairs, :, column], row)
    moved = (unaligned > STILL_ERROR) & (aligned <= EXPLAINED * unaligned)
    xy = torch.where(moved[:, None], torch.stack([x, y], dim=1), 0.0)
    return Displacement(xy.float(), aligned.float(), unaligned.float())


def displacements(video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, "B S 2"]:
    """Displacement of the picture as a whole over every transition of every clip."""
    return displacement(*_transitions(video)).xy.unflatten(0, (len(video), -1))


def player_movements(
    video: UInt8[Tensor, "B T H W C"], camera: Camera = "follows"
) -> Float[Tensor, "B S 2"]:
    """How the player moved over every transition of every clip: pixels, x right, y down.

    A camera that follows moves the picture the other way. Before a fixed camera the picture stands
    still whatever moves in it: there it is the displacement of the part that has changed. Of mixed
    video each clip is taken by its own camera.
    """
    if camera == "follows":
        return -displacements(video)
    if camera == "fixed":
        before, after = _transitions(video)
        parts = zip(before.split(PAIRS_AT_ONCE), after.split(PAIRS_AT_ONCE), strict=True)
        xy = torch.cat([moving_displacement(a, b) for a, b in parts])
        return xy.unflatten(0, (len(video), -1))
    moved, still = _picture(video)
    fixed = still >= STANDS
    player = -moved
    if fixed.any():
        player[fixed] = player_movements(video[fixed], "fixed")
    return player


def camera_of(video: UInt8[Tensor, "B T H W C"]) -> Camera:
    """Whether clips show the picture as a whole stand still while things move in it.

    Clips of 20 frames do so in 0% of CoinRun, in 3 to 17% of Climber, Ninja and drawn scenes, where
    characters rest, and in 44% of the zoo, which has both cameras. Shorter clips say little.
    """
    _, still = _picture(video)
    known = still[~still.isnan()]
    fixed = (known >= STANDS).float().mean().item() if len(known) else 0.0
    return "follows" if fixed < MIXED else "mixed" if fixed <= 1 - MIXED else "fixed"


def movement_classes(player: Float[Tensor, "*pairs 2"]) -> Int[Tensor, "*pairs"]:
    """Index into `CLASSES` of what the player did."""
    direction = (player >= HALF_PIXEL).long() - (player <= -HALF_PIXEL).long() + 1
    return direction[..., 0] * len(VERTICAL) + direction[..., 1]


def still_in_view(xy: Float[Tensor, "B T 2"], height: int, width: int) -> Float[Tensor, "B T H W"]:
    """1 where a later frame shows what the frame before the first displacement showed.

    `xy` holds one displacement per transition; they add up. What lies outside is new terrain that
    nothing in the first frame can tell.
    """
    total = xy.cumsum(dim=1)
    rows, columns = torch.arange(height), torch.arange(width)
    from_row = rows - total[..., 1, None]
    from_column = columns - total[..., 0, None]
    inside_row = (from_row >= 0) & (from_row <= height - 1)
    inside_column = (from_column >= 0) & (from_column <= width - 1)
    return (inside_row[..., :, None] & inside_column[..., None, :]).float()


def _transitions(
    video: UInt8[Tensor, "B T H W C"],
) -> tuple[UInt8[Tensor, "pairs H W C"], UInt8[Tensor, "pairs H W C"]]:
    """The picture before and after every transition of every clip."""
    return video[:, :-1].flatten(0, 1), video[:, 1:].flatten(0, 1)


def _picture(
    video: UInt8[Tensor, "B T H W C"],
) -> tuple[Float[Tensor, "B S 2"], Float[Tensor, " B"]]:
    """Displacements of the picture, and the share of a clip's changes that leave it where it was.

    NaN where nothing changes.
    """
    pairs = displacement(*_transitions(video))
    xy = pairs.xy.unflatten(0, (len(video), -1))
    changes = (pairs.unaligned > STILL_ERROR).unflatten(0, (len(video), -1))
    still = (xy == 0).all(dim=2) & changes
    return xy, still.sum(dim=1) / changes.sum(dim=1)


def _shift_errors(
    before: Float[Tensor, "pairs H W C"], after: Float[Tensor, "pairs H W C"], reach: int
) -> Float[Tensor, "pairs rows columns"]:
    """Mean squared error over the overlap for every shift in -reach..reach, rows first.

    sum (a - b)^2 = sum a^2 + sum b^2 - 2 sum ab, each a correlation with zero padding.
    """
    height, width = before.shape[1:3]
    size = [-(-(side + reach) // FAST_LENGTH) * FAST_LENGTH for side in (height, width)]

    def spectrum(picture: Tensor) -> Tensor:
        return torch.fft.rfft2(picture, s=size, dim=(1, 2))

    # Double precision and numbers around 0, because the three sums nearly cancel.
    a, b = before.double() - 0.5, after.double() - 0.5
    cover = spectrum(torch.ones(1, height, width, 1, dtype=a.dtype))
    a2, b2 = (spectrum(p.square().sum(dim=-1, keepdim=True)) for p in (a, b))
    cross = (spectrum(a).conj() * spectrum(b)).sum(dim=-1, keepdim=True)
    total = a2.conj() * cover + cover.conj() * b2 - 2 * cross
    both = torch.fft.irfft2(
        torch.cat([total, (cover.conj() * cover).expand_as(total)], dim=-1), s=size, dim=(1, 2)
    )
    both = both.roll((reach, reach), dims=(1, 2))[:, : 2 * reach + 1, : 2 * reach + 1]
    error, count = both[..., 0], both[..., 1].round() * before.shape[-1]
    return (error / count).clamp(min=0)


def _parabola(
    errors: Float[Tensor, "pairs shifts"], at: Int[Tensor, " pairs"]
) -> Float[Tensor, " pairs"]:
    """Fraction of a pixel from the chosen shift to the lowest point of the parabola through it."""
    last = errors.shape[1] - 1
    left = errors.gather(1, (at - 1).clamp(min=0)[:, None]).squeeze(1)
    here = errors.gather(1, at[:, None]).squeeze(1)
    right = errors.gather(1, (at + 1).clamp(max=last)[:, None]).squeeze(1)
    bend = left - 2 * here + right
    inner = (at > 0) & (at < last) & (left >= here) & (right >= here) & (bend > 0)
    offset = (left - right) / (2 * bend.clamp(min=torch.finfo(bend.dtype).tiny))
    return torch.where(inner, offset.clamp(-0.5, 0.5), 0.0)

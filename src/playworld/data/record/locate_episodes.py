"""Where episodes lie in a video that holds several: what is claimed, against its own frames.

A dataset says at how many seconds each episode begins. Sums of rounded durations and merged
datasets are off by some frames, and then an episode would get frames of its neighbour.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

CLOCK = 0.002
"""Seconds by which a container's clock may round."""
NEAR = 0.1
"""Of a frame by which a start that cannot be checked otherwise may lie beside a frame."""


@dataclass(frozen=True)
class Claim:
    """What a dataset says of one episode in a video."""

    index: int
    start: float
    """Seconds after the first frame of the video."""
    frames: int


@dataclass(frozen=True)
class Placement:
    """Where an episode really lies."""

    first: int
    """Number of its first frame in the video."""
    moved: float
    """Frames by which the claimed start was off; 0 where it lay on the frame."""


def place(claims: Sequence[Claim], times: Sequence[float]) -> dict[int, Placement | str]:
    """The place of every episode, or why it has none.

    Where the episodes have as many frames as the video, they follow each other without a gap, and
    wrong start times are corrected. Where they do not, a start time has to lie on a frame, and no
    two episodes may overlap.

    Args:
        claims: all episodes of one video, each at least one frame long, with numbers of their own.
        times: of the frames of the video, ascending, in seconds after the first.
    """
    step = _step(times)
    wanted = sum(claim.frames for claim in claims)
    if wanted == len(times):
        return _back_to_back(claims, times, step)
    even = all(later - earlier < 1.5 * step for earlier, later in pairwise(times))
    if wanted > len(times) and even:  # a frame is missing, and nothing says which
        reason = f"its video has {len(times)} frames where {wanted} were expected"
        return {claim.index: reason for claim in claims}
    return _on_frames(claims, times, step)


def _step(times: Sequence[float]) -> float:
    steps = sorted(later - earlier for earlier, later in pairwise(times))
    return max(steps[len(steps) // 2], 1e-6) if steps else 1.0


def _back_to_back(
    claims: Sequence[Claim], times: Sequence[float], step: float
) -> dict[int, Placement | str]:
    order = sorted(claims, key=lambda claim: (claim.start, claim.index))
    firsts = accumulate((claim.frames for claim in order[:-1]), initial=0)
    off = [
        (claim, first, (claim.start - times[first]) / step)
        for claim, first in zip(order, firsts, strict=True)
    ]
    in_turn = all(one.index < other.index for one, other in pairwise(order))
    if not in_turn and any(abs(moved) > 0.5 for _, _, moved in off):
        reason = "its start time contradicts those of the other episodes in its video"
        return {claim.index: reason for claim in claims}
    near = _near(step)
    return {
        c.index: Placement(first, moved if abs(moved) > near else 0.0) for c, first, moved in off
    }


def _near(step: float) -> float:
    """Of a frame by which a start may lie beside it."""
    return min(max(NEAR, CLOCK / step), 0.25)


def _on_frames(
    claims: Sequence[Claim], times: Sequence[float], step: float
) -> dict[int, Placement | str]:
    found: dict[int, Placement | str] = {}
    runs = []
    for claim in claims:
        after = bisect_left(times, claim.start)
        around = range(max(after - 1, 0), min(after + 1, len(times)))
        first = min(around, key=lambda i: abs(times[i] - claim.start))
        last = first + claim.frames - 1
        off = abs(times[first] - claim.start) / step
        if off > _near(step):
            found[claim.index] = f"it begins {off:.2f} of a frame beside the frames of its video"
        elif last >= len(times):
            found[claim.index] = "it runs beyond the end of its video"
        elif abs(times[last] - times[first] - (claim.frames - 1) * step) > 0.5 * step:
            found[claim.index] = "frames of it are missing in its video"
        else:
            found[claim.index] = Placement(first, 0.0)
        runs.append((claim.start, claim.start + (claim.frames - 0.5) * step, claim.index))
    runs.sort()
    latest = runs[0]
    for run in runs[1:]:
        if run[0] < latest[1]:
            for one, other in ((run, latest), (latest, run)):
                found[one[2]] = f"it overlaps with episode {other[2]} in their video"
        latest = max(run, latest, key=lambda r: r[1])
    return found

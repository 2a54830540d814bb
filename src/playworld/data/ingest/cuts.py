"""Where one shot ends and another begins, found while the frames stream by.

Ordinary game video must not be cut: a camera that jumps or falls with the player changes nearly
every pixel. So what counts here is what cannot be found anywhere near in the frame before, which is
cheap to search for because the frames are already small. On 16 Procgen games at 10 fps (19,232
transitions, 269 of them to another level; none of them used to choose the thresholds) this finds
218 changes and cuts no ordinary transition; PySceneDetect 0.7.2's AdaptiveDetector finds 213 and
makes 55 false cuts, and would bring OpenCV along. What is missed are restarts into a picture of the
same look. Fades and dissolves are not found.
"""

from collections import deque
from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt8

from playworld.data.ingest.displacement import Cells, Search, to_cells

SURELY = 12.0
"""Mean difference (0 to 255) after the search that is a cut whatever came before."""
PERHAPS = 8.0
"""Difference that is a cut where it stands out from its surroundings."""
STANDS_OUT = 2.0
"""How many times larger than all of its surroundings such a difference must be."""
SURROUNDINGS = 10
"""Transitions before, besides the one after, that make up the surroundings."""
ENOUGH = PERHAPS / STANDS_OUT
"""Differences up to this one are all alike: none is a cut, or keeps another from standing out."""

Frame = UInt8[np.ndarray, "H W 3"]


def mark_cuts(frames: Iterator[tuple[float, Frame]]) -> Iterator[tuple[bool, float, Frame]]:
    """The same frames with their times, each with whether a new shot begins with it.

    Runs one frame behind: a flash of one frame differs from a cut in the frame after it.
    """
    detector = _Detector()
    held: tuple[float, Frame] | None = None
    for time, frame in frames:
        if held is not None:
            yield detector.is_cut(frame), *held
        else:
            detector.first(frame)
        held = time, frame
    if held is not None:
        yield detector.is_cut(None), *held


class _Detector:
    """Judges each frame once the next one is known."""

    def first(self, frame: Frame) -> None:
        self.before: Cells | None = None
        self.current = to_cells(frame)
        self.score = 0.0
        self.recent: deque[float] = deque(maxlen=SURROUNDINGS)
        self.search = Search(PERHAPS, ENOUGH)

    def is_cut(self, following: Frame | None) -> bool:
        """Whether the current frame begins a shot; then `following` is the current one."""
        cells = None if following is None else to_cells(following)
        next_score = 0.0 if cells is None else self.search.difference(self.current, cells)
        cut = self.before is not None and self._stands_out(next_score)
        if cut and cells is not None:
            assert self.before is not None
            past_flash = self.search.difference(self.before, cells)
            if past_flash <= PERHAPS:
                cut, next_score = False, past_flash
        if self.before is not None:
            self.recent.append(self.score)
        if cells is not None:
            self.before, self.current, self.score = self.current, cells, next_score
        return cut

    def _stands_out(self, next_score: float) -> bool:
        if self.score > SURELY:
            return True
        # The first moments of a video have no surroundings to stand out from.
        known = len(self.recent) >= SURROUNDINGS // 2
        around = max(max(self.recent, default=0.0), next_score)
        return known and self.score > PERHAPS and self.score > STANDS_OUT * around

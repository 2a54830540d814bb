"""What counts as footage worth keeping."""

import math
from dataclasses import dataclass

from playworld.config import InputError


@dataclass(frozen=True)
class CleanOptions:
    """Which stretches of video are left out; 0 keeps what a length would leave out."""

    static: float = 5.0
    """Leave out where nothing moves for at least so many seconds."""
    static_change: float = 6.0
    """Change of a part of the picture (0 to 255) that is not yet movement."""
    black: float = 0.3
    """Leave out where the picture is black for at least so many seconds."""
    black_level: int = 24
    """Brightest value (0 to 255) that is still black."""
    bars: bool = True
    """Cut away black bars around the picture, and leave out scenes that still have some."""
    duplicates: float = 5.0
    """Leave out what was seen before, in this or another file, for at least so many seconds."""
    duplicate_bits: int = 8
    """Bits of the 64 of a picture's hash in which a copy may differ, 0 to 16."""

    def __post_init__(self) -> None:
        for name in ("static", "black", "duplicates"):
            seconds = getattr(self, name)
            if not (seconds >= 0 and math.isfinite(seconds)):
                raise InputError(f"{name} should be seconds, 0 or more, got {seconds}")
        if not 0 <= self.static_change <= 255:
            raise InputError(f"static_change should be 0 to 255, got {self.static_change}")
        if not 0 <= self.black_level <= 255:
            raise InputError(f"black_level should be 0 to 255, got {self.black_level}")
        if not 0 <= self.duplicate_bits <= 16:
            raise InputError(f"duplicate_bits should be 0 to 16, got {self.duplicate_bits}")

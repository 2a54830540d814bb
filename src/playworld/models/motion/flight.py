"""How the view has moved so far: what a jump needs to be an arc and to land.

At its top the view is at rest and no key is held, as where somebody stands. Attention looks a few
frames back: it sees neither how strong gravity is, as speeds are in half pixels, nor where the
ground is. A look that was never seen does not say it either, but a jump comes down to where it
began.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

NUMBERS = 7
"""Numbers of a flight. Speeds down and heights are positive, in half pixels:

0. which way the view last moved, -1, 1, or 0 before the first motion;
1. frames of rest since then;
2. its height above where it last stood;
3. the speed at which this rise or fall began;
4. frames since then;
5. its speed in the last frame;
6. the speed across in the last frame, to the right.
"""
LONG = 15
"""Frames of rest from which on more of them say nothing."""
LANDED, STANDS = 2, 12
"""Frames of rest after which the view stands: when it has come down, and when it has gone up."""
SUDDEN = 4
"""A change of speed above this is no gravity: a key was let go, or something was hit."""
HIGH = 32
"""Height from which on more says nothing."""
OLDEST = 63
"""Frames of flight from which on more of them say nothing."""
FASTEST = 20
"""Largest speed that is expected."""


def no_flight(rows: int, device: torch.device) -> Int[Tensor, "B 7"]:
    """Before the first motion."""
    return torch.zeros(rows, NUMBERS, dtype=torch.long, device=device)


def flight_after(flight: Int[Tensor, "B 7"], motion: Int[Tensor, "B 2"]) -> Int[Tensor, "B 7"]:
    """The flight after a motion of the view, in half pixels (rows, columns)."""
    (down, across), (way, rest, height, start, age, speed, _) = motion.unbind(1), flight.unbind(1)
    moves, leaps = down != 0, (way > 0) & (down < 0)  # at once after a landing
    begins = moves & (_stands(way, rest) | leaps | ((down - speed).abs() > SUDDEN))
    way = torch.where(moves, down.sign(), way)
    rest = torch.where(moves, 0, rest + 1).clamp_max(LONG)
    over = _stands(way, rest)
    height = (torch.where(leaps | over, 0, height) - down).clamp(-HIGH, HIGH)
    start = torch.where(begins, down, start).masked_fill(over, 0)
    age = torch.where(begins, 0, age + 1).clamp_max(OLDEST).masked_fill(over, 0)
    return torch.stack([way, rest, height, start, age, down, across], dim=1)


def _stands(way: Int[Tensor, "*batch"], rest: Int[Tensor, "*batch"]) -> Bool[Tensor, "*batch"]:
    """Whether a flight is over, or none has begun."""
    return (way == 0) | (rest >= torch.where(way > 0, LANDED, STANDS))


def next_speed(flight: Int[Tensor, "*batch 7"]) -> Float[Tensor, "*batch"]:
    """The next speed down as the mean change so far makes it; in a first frame the last one."""
    start, age, speed, _ = flight[..., 3:].unbind(-1)
    return speed + (speed - start).float() / age.clamp_min(1)


def expected_motion(flight: Int[Tensor, "*batch 7"]) -> Int[Tensor, "*batch 2"]:
    """The next motion of the view if nothing happens: rows and columns, in half pixels.

    The speed down is `next_speed`, and that across stays.
    """
    return torch.stack([next_speed(flight).round().long(), flight[..., 6]], dim=-1)


class FlightEmbedding(nn.Module):
    """Features of a flight; zeros before training."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.rest = nn.Embedding(3 * (LONG + 1), width)
        self.height = nn.Embedding(HIGH + 1, width)
        self.next = nn.Embedding(4 * FASTEST + 2, width)
        for table in (self.rest, self.height, self.next):
            nn.init.zeros_(table.weight)

    def forward(self, flight: Int[Tensor, "*batch 7"]) -> Float[Tensor, "*batch D"]:
        """What the tables have of rest and height, and of the speed to expect of gravity."""
        way, rest, height, *_ = flight.unbind(-1)
        pixels = (height + HIGH).div(2, rounding_mode="floor")
        known = self.rest((way + 1) * (LONG + 1) + rest) + self.height(pixels)
        return known + self.next(self.expected(flight))

    def expected(self, flight: Int[Tensor, "*batch 7"]) -> Int[Tensor, "*batch"]:
        """The next speed as the mean change so far makes it, in quarters; the last is unknown."""
        quarters = (2 * next_speed(flight)).round().long().clamp(-2 * FASTEST, 2 * FASTEST)
        return torch.where(flight[..., 4] > 0, quarters + 2 * FASTEST, 4 * FASTEST + 1)

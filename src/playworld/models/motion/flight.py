"""How the view has risen and fallen so far, which tells the top of a jump from standing.

In both the view is at rest and no key is held. Attention looks a few frames back, and a figure may
hover longer; where the ground is, a look that was never seen does not say, but a jump comes down
to where it began.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

LONG = 15
"""Frames of rest from which on more of them say nothing."""
LANDED, STANDS = 2, 12
"""Frames of rest after which the view stands: when it has come down, and when it has gone up."""
HIGH = 16
"""Height from which on more says nothing, pixels."""
NUMBERS = 3
"""Way (-1: up, 1: down, 0: not yet), frames of rest since, height in half pixels."""


def no_flight(rows: int, device: torch.device) -> Int[Tensor, "B 3"]:
    """Before the first motion."""
    return torch.zeros(rows, NUMBERS, dtype=torch.long, device=device)


def flight_after(flight: Int[Tensor, "B 3"], motion: Int[Tensor, "B 2"]) -> Int[Tensor, "B 3"]:
    """The flight after a motion of the view, in half pixels (rows, columns).

    The height is above where the view last stood.
    """
    down, (way, rest, height) = motion[:, 0], flight.unbind(1)
    moves = down != 0
    way = torch.where(moves, down.sign(), way)
    rest = torch.where(moves, 0, rest + 1).clamp_max(LONG)
    stands = rest >= torch.where(way > 0, LANDED, STANDS)
    height = torch.where(stands, 0, height - down).clamp(-2 * HIGH, 2 * HIGH)
    return torch.stack([way, rest, height], dim=1)


class FlightEmbedding(nn.Module):
    """Features of a flight; zeros before training."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.rest = nn.Embedding(3 * (LONG + 1), width)
        self.height = nn.Embedding(2 * HIGH + 1, width)
        for table in (self.rest, self.height):
            nn.init.zeros_(table.weight)

    def forward(self, flight: Int[Tensor, "*batch 3"]) -> Float[Tensor, "*batch D"]:
        """What the tables have of it."""
        way, rest, height = flight.unbind(-1)
        pixels = height.div(2, rounding_mode="floor") + HIGH
        return self.rest((way + 1) * (LONG + 1) + rest) + self.height(pixels)

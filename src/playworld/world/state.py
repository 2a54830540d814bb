"""What a session is made of: explicit state, batched by rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from playworld.models.motion.canvas import Canvas
from playworld.models.st_transformer import Cache


@dataclass(frozen=True)
class WorldState:
    """All that the next frames depend on, one row per session.

    Never changed, unless `World.step` is told to work in place. Keep a state to come back to it:
    rewinding and branching are just stepping from an older one.
    """

    memory: Cache
    """The dynamics model's keys and values of the frames in its window."""
    decoder: Cache | Canvas
    """The same for the tokenizer's decoder; of a tokenizer of changes, the picture."""
    seeds: Int[Tensor, " B"]
    """The session's randomness, together with the frame number."""
    frame: Int[Tensor, " B"]
    """Frames generated since the prompt."""
    tokens: Int[Tensor, "B N"]
    """The newest frame."""

    @property
    def batch(self) -> int:
        """Sessions in this state."""
        return len(self.frame)

    def rows(self, indices: Sequence[int] | Int[Tensor, " M"]) -> "WorldState":
        """The state of some sessions, in this order; a number may come twice (a branch)."""
        rows = torch.as_tensor(indices, dtype=torch.long, device=self.frame.device)
        memory = self.memory.map(lambda t: t[rows])
        decoder = self.decoder.map(lambda t: t[rows])
        return WorldState(memory, decoder, self.seeds[rows], self.frame[rows], self.tokens[rows])

    @staticmethod
    def cat(states: Sequence["WorldState"], out: "WorldState | None" = None) -> "WorldState":
        """Several states of one world as one batch; in the memory of `out`, used up, if given."""
        return WorldState(
            Cache.cat([s.memory for s in states], out.memory if out else None),
            join([s.decoder for s in states], out.decoder if out else None),
            torch.cat([s.seeds for s in states]),
            torch.cat([s.frame for s in states]),
            torch.cat([s.tokens for s in states]),
        )


def join(parts: Sequence[Any], out: Any = None) -> Any:
    """Rows of several caches, or of several canvases, as one batch; in the memory of `out`."""
    return type(parts[0]).cat(parts, out)

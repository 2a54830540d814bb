"""The state of sessions: explicit, batched by rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from playworld.models.kv_cache import KVCache
from playworld.models.motion.canvas import Canvas


@dataclass(frozen=True)
class WorldState:
    """Everything that the next frames depend on, one row per session.

    Immutable, except for `World.step(in_place=True)`. Keep a state to return to it: rewinding and
    branching are steps from an older one.
    """

    memory: KVCache
    """Cached keys and values of the dynamics for the frames in its window."""
    decoder: KVCache | Canvas
    """The same for the tokenizer's decoder; for a tokenizer of changes, the canvas."""
    seeds: Int[Tensor, " B"]
    """Seed of each session; noise is a function of seed and frame number."""
    frame: Int[Tensor, " B"]
    """Frames generated since the prompt."""
    tokens: Int[Tensor, "B L"]
    """Tokens of the newest frame."""

    @property
    def batch(self) -> int:
        """Number of sessions."""
        return len(self.frame)

    def rows(self, indices: Sequence[int] | Int[Tensor, " M"]) -> "WorldState":
        """The state of some sessions, in this order; repeated indices make branches."""
        rows = torch.as_tensor(indices, dtype=torch.long, device=self.frame.device)
        memory = self.memory.map(lambda t: t[rows])
        decoder = self.decoder.map(lambda t: t[rows])
        return WorldState(memory, decoder, self.seeds[rows], self.frame[rows], self.tokens[rows])

    @staticmethod
    def cat(states: Sequence["WorldState"], out: "WorldState | None" = None) -> "WorldState":
        """Several states of one world as one batch; overwrites the memory of `out` if given."""
        return WorldState(
            KVCache.cat([s.memory for s in states], out.memory if out else None),
            join([s.decoder for s in states], out.decoder if out else None),
            torch.cat([s.seeds for s in states]),
            torch.cat([s.frame for s in states]),
            torch.cat([s.tokens for s in states]),
        )


def join(parts: Sequence[Any], out: Any = None) -> Any:
    """Rows of several caches, or of several canvases, as one batch; in the memory of `out`."""
    return type(parts[0]).cat(parts, out)

"""One game's tree of frames: every frame that was made stays reachable, and can be gone on from."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Int
from torch import Tensor

from playworld.world import SamplerConfig, WorldState

KEPT_STATES = 12
"""States that a game keeps, of 5.2 MB each in the built-in world. The others are computed again
from the tokens of their frames when somebody goes back to them."""


class NotOnThePath(ValueError):
    """A frame does not come after the one that was named as the first."""


@dataclass(frozen=True)
class Node:
    """One frame, and how it came about."""

    parent: int | None
    """The node before it; None for the start."""
    button: int | None
    """What was pressed there; None for the start."""
    frame: int
    """Frames since the start."""
    sampler: SamplerConfig | None
    """How it was drawn; None for the world's own way."""
    tokens: Int[Tensor, " N"]
    """The frame as the model remembers it: with its button, enough to compute its state again."""
    png: bytes
    """The frame as it is shown."""


@dataclass
class _Kept:
    state: WorldState
    base: int
    """The nearest node before it that has a state too, when this one was made."""
    age: int
    """Number of states that had been made when it was needed last."""


class Timeline:
    """The frames of one game from its start, and the node where the player is.

    Nodes are numbered in the order in which they were made; node 0 is the start. A state is kept
    for the start, for the newest frame and for a few others, the sparser the longer ago: who goes
    back d frames in a game of 6,000 waits for at most 2 d of them to be computed again.
    """

    def __init__(
        self, prompt: Sequence[str], seed: int, nodes: Sequence[Node], at: int = 0
    ) -> None:
        """A game of these frames, whose states are not known."""
        self.prompt = tuple(prompt)
        self.seed = seed
        self.at = at
        self.nodes = list(nodes)
        self.saved = 0
        """The first nodes that are written to a store as they are here."""
        self.snapshot = 0
        """The node whose state is written to a store; 0 for none."""
        self._states: dict[int, _Kept] = {}
        self._made = 0

    @classmethod
    def begun(cls, prompt: Sequence[str], seed: int, state: WorldState, png: bytes) -> "Timeline":
        """A game that has only its start."""
        timeline = cls(prompt, seed, [Node(None, None, 0, None, _compact(state), png)])
        timeline.keep(0, state, 0)
        return timeline

    @property
    def has_start(self) -> bool:
        """Whether the state of the start is known, from which any other can be computed."""
        return 0 in self._states

    @property
    def here(self) -> Node:
        """Where the player is."""
        return self.nodes[self.at]

    def grow(
        self, button: int, sampler: SamplerConfig | None, state: WorldState, png: bytes
    ) -> None:
        """Add the frame that a press brought, and go there."""
        parent = self.at
        frame = self.nodes[parent].frame + 1
        # A copy in this thread's heap: in an encoder's, freed buffers lie between the pictures that
        # are kept, which then take twice the memory.
        png = bytes(memoryview(png))
        self.nodes.append(Node(parent, button, frame, sampler, _compact(state), png))
        self.at = len(self.nodes) - 1
        self.keep(self.at, state, parent)

    def drop(self, count: int) -> None:
        """Take back the newest frames: the player, who is at the last of them, goes before them."""
        for _ in range(count):
            self._states.pop(self.at, None)
            self.at = _parent(self.nodes.pop())
        self.saved = min(self.saved, len(self.nodes))
        if self.snapshot >= len(self.nodes):
            self.snapshot = 0

    def keep(self, node: int, state: WorldState, base: int) -> None:
        """Remember the state of a node; `base` is a node before it whose state was known."""
        self._made += 1
        if node not in self._states:
            self._states[node] = _Kept(state, base if base in self._states else 0, self._made)
        if len(self._states) > KEPT_STATES:
            self._forget_one(node)

    def state(self, node: int) -> WorldState | None:
        """The state of a node, where it is kept."""
        kept = self._states.get(node)
        return None if kept is None else kept.state

    def nearest(self) -> tuple[int, WorldState, list[int]]:
        """The last node on the way here that has a state, that state, and the nodes that lack one.

        The list ends with the node where the player is; it is empty where that one has a state.
        """
        missing = []
        node = self.at
        while node not in self._states:
            missing.append(node)
            node = _parent(self.nodes[node])
        kept = self._states[node]
        kept.age = self._made
        return node, kept.state, missing[::-1]

    def path(self, first: int = 0, last: int | None = None) -> list[int]:
        """The nodes from `first` to `last` (where the player is, if not given), both included.

        Raises:
            IndexError: there is no such node.
            NotOnThePath: `first` is not on the way from the start to `last`.
        """
        last = self.at if last is None else last
        for node in (first, last):
            if not 0 <= node < len(self.nodes):
                raise IndexError(f"no node {node}")
        path = [last]
        while path[-1] > first:  # a parent's number is always lower
            path.append(_parent(self.nodes[path[-1]]))
        if path[-1] != first:
            raise NotOnThePath(f"node {first} is not on the way to node {last}")
        return path[::-1]

    def to_json(self) -> bytes:
        """What `GET /api/v1/timeline` answers."""
        settings = {
            str(number): [node.sampler.steps, node.sampler.temperature]
            for number, node in enumerate(self.nodes)
            if node.sampler is not None
        }
        document = {
            "nodes": [[node.parent, node.button, node.frame] for node in self.nodes],
            "at": self.at,
            "seed": self.seed,
            "prompt": list(self.prompt),
            "settings": settings,
        }
        return json.dumps(document, separators=(",", ":")).encode()

    def _forget_one(self, newest: int) -> None:
        # What costs least to compute again, for how long ago it was needed: so the gaps between
        # the states grow with their age.
        def worth(node: int) -> float:
            kept = self._states[node]
            gap = self.nodes[node].frame - self.nodes[kept.base].frame
            return gap / (self._made - kept.age + 1)

        spare = [node for node in self._states if node not in (0, newest)]
        least = min(spare, key=worth)
        base = self._states.pop(least).base
        for kept in self._states.values():
            if kept.base == least:
                kept.base = base


def _parent(node: Node) -> int:
    assert node.parent is not None, "the start's state is always kept"
    return node.parent


def _compact(state: WorldState) -> Int[Tensor, " N"]:
    return state.tokens[0].int().cpu()

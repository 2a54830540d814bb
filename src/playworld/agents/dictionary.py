"""From latent actions to true ones, by the pairs in a few labelled transitions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from playworld.agents.moves import MOVES, NAMES, UNKNOWN
from playworld.config import InputError


def known_moves(moves: Int[np.ndarray, " n"], samples: int) -> Int[np.ndarray, " k"]:
    """The transitions whose move is known, of which so many samples are to be drawn.

    Raises:
        InputError: where there are fewer.
    """
    known = np.flatnonzero(moves != UNKNOWN)
    if samples > len(known):
        raise InputError(
            f"{samples} labelled transitions are asked for, the clips have {len(known)}: ask for "
            "fewer"
        )
    return known


@dataclass(frozen=True)
class Dictionary:
    """For each latent action the true moves in its labelled transitions (Genie, appendix E)."""

    moves: tuple[tuple[int, ...], ...]
    """Indices into `MOVES`, one per transition; a code without any has one at random."""
    labels: tuple[int, ...] = ()
    """The moves of all labelled transitions: how often each was made breaks ties."""

    @classmethod
    def of(
        cls,
        codes: Int[np.ndarray, " n"],
        moves: Int[np.ndarray, " n"],
        num_codes: int,
        seed: int,
    ) -> "Dictionary":
        """From n labelled transitions; n = 0 gives the random map."""
        guesses = np.random.default_rng(seed).integers(len(MOVES), size=num_codes)
        found = [tuple(moves[codes == code].tolist()) for code in range(num_codes)]
        known = tuple(s or (int(g),) for s, g in zip(found, guesses, strict=True))
        return cls(known, tuple(moves.tolist()))

    @classmethod
    def drawn(
        cls,
        codes: Int[np.ndarray, " n"],
        moves: Int[np.ndarray, " n"],
        samples: int,
        num_codes: int,
        seed: int,
    ) -> "Dictionary":
        """From so many transitions, drawn at random; those of fewer samples are among them.

        Raises:
            InputError: where fewer have a move that is known.
        """
        known = known_moves(moves, samples)
        picked = np.random.default_rng(seed).permutation(known)[:samples]
        return cls.of(codes[picked], moves[picked], num_codes, seed)

    def commonest(self) -> "Dictionary":
        """For each latent action only its most frequent move.

        Of equally frequent moves, the one that is commonest among all labels; of
        those, the first of `MOVES`.
        """

        def most(moves: tuple[int, ...]) -> int:
            return max(sorted(set(moves)), key=lambda m: (moves.count(m), self.labels.count(m)))

        return Dictionary(tuple((most(moves),) for moves in self.moves), self.labels)

    def translate(self, codes: Sequence[int], rng: np.random.Generator) -> list[int]:
        """One move for each latent action, drawn from its labelled transitions."""
        return [int(rng.choice(self.moves[code])) for code in codes]

    def shares(self) -> list[dict[str, float]]:
        """For each latent action, how often each move stands in its list, by name."""
        return [
            {name: moves.count(k) / len(moves) for k, name in enumerate(NAMES) if k in moves}
            for moves in self.moves
        ]

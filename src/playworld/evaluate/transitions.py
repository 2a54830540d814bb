"""Labels of every transition of held-out clips: movement, keys, keys by their effect."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from playworld.evaluate.agreement import UNKNOWN
from playworld.evaluate.heldout import HeldOut, pressed_keys
from playworld.evaluate.movement import CLASSES, Camera, movement_classes, player_movements
from playworld.evaluate.starts import LEVEL, on_level

EFFECTIVE = ("left", "left-jump", "none", "jump", "right", "right-jump")
"""Classes of keys by what they can do: a jump counts where there is ground to jump from."""


@dataclass(frozen=True)
class TransitionLabels:
    """Labels of every transition of held-out clips."""

    player: Float[Tensor, "clips S 2"]
    """Movements of the player, pixels."""
    labels: dict[str, tuple[Int[Tensor, "clips S"], tuple[str, ...]]]
    """By kind ("movement"; "keys" and "effective_keys" where keys were recorded): classes, and the
    names of the classes."""

    @staticmethod
    def of(held: HeldOut, camera: Camera) -> "TransitionLabels":
        """Found by registration, and read from the action files."""
        player, keys = player_movements(held.video, camera), pressed_keys(held)
        labels = {"movement": (movement_classes(player), CLASSES)}
        if keys is not None:
            labels["keys"] = keys
            merged = effective_keys(*keys, player)
            if merged is not None:
                labels["effective_keys"] = (merged, EFFECTIVE)
        return TransitionLabels(player, labels)


def effective_keys(
    keys: Int[Tensor, "clips S"], names: Sequence[str], player: Float[Tensor, "clips S 2"]
) -> Int[Tensor, "clips S"] | None:
    """The keys merged to what they can do, as indices into `EFFECTIVE`.

    A key named "right-up" is "right-jump" where the character has ground under it and "right"
    where it has not. `UNKNOWN` in the first transitions, before which nothing shows where the
    ground is. None for a game whose keys have no such names.
    """
    words = [set(name.split("-")) for name in names]
    if not any(w & {"left", "right"} for w in words):
        return None
    across = torch.tensor([0 if "left" in w else 2 if "right" in w else 1 for w in words])
    jumps = torch.tensor(["up" in w for w in words])
    ground: Bool[Tensor, "clips S"] = on_level(player)
    merged = 2 * across[keys] + (jumps[keys] & ground).long()
    merged[:, :LEVEL] = UNKNOWN
    return torch.where(keys == UNKNOWN, UNKNOWN, merged)

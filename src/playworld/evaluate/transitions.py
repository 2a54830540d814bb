"""Labels of every transition of held-out clips: movement, keys, keys by their effect."""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from playworld.evaluate.control.information import EFFECTIVE, effective_keys
from playworld.evaluate.heldout import HeldOut, pressed_keys
from playworld.evaluate.movement import CLASSES, Camera, displacements, movement_classes


@dataclass(frozen=True)
class TransitionLabels:
    """Labels of every transition of held-out clips."""

    moved: Float[Tensor, "clips S 2"]
    """Displacements of the picture, pixels."""
    labels: dict[str, tuple[Int[Tensor, "clips S"], tuple[str, ...]]]
    """By kind ("movement"; "keys" and "effective_keys" where keys were recorded): classes, and the
    names of the classes."""

    @staticmethod
    def of(held: HeldOut, camera: Camera) -> "TransitionLabels":
        """Found by registration, and read from the action files."""
        moved, keys = displacements(held.video, camera), pressed_keys(held)
        labels = {"movement": (movement_classes(moved, camera), CLASSES)}
        if keys is not None:
            labels["keys"] = keys
            merged = effective_keys(*keys, moved)
            if merged is not None:
                labels["effective_keys"] = (merged, EFFECTIVE)
        return TransitionLabels(moved, labels)

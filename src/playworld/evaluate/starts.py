"""Starts for trying buttons: held-out moments at which the character has ground under it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from playworld.data.clips.dataset import ClipDataset
from playworld.evaluate.heldout import read_held_out
from playworld.evaluate.movement import HALF_PIXEL, Camera, camera_of, displacements

LEVEL = 3
"""Transitions without movement up or down that make a start: the top of a jump lasts one or two."""

PROMPT_FRAMES = LEVEL + 1
"""Frames of a start, so that the world sees what the choice has seen: that the character has ground
under it, and whether it runs. One picture leaves both open."""

CANDIDATES = 20
"""Moments looked at for each start that is wanted."""

WATCHED, WATCHED_FRAMES = 40, 16
"""Clips by which the camera is told, and their frames, fewer where no scene has as many: in a start
everybody may be at rest."""


@dataclass(frozen=True)
class Starts:
    """Prompts from which buttons are tried."""

    video: UInt8[Tensor, "starts P H W C"]
    level: int
    """Starts on level ground; the others come last and fill up what the clips lack."""

    def first(self, count: int) -> "Starts":
        """The first of them."""
        return Starts(self.video[:count], min(self.level, len(self.video[:count])))


def level_starts(
    clips: Path,
    count: int,
    prompt_frames: int = PROMPT_FRAMES,
    seed: int = 0,
    split: Literal["train", "valid"] = "valid",
) -> Starts:
    """Up to `count` held-out moments before which the picture has not moved up or down.

    What a button does in the air is hidden by the fall. The character may stand or run: choosing
    the moments when nothing moved would choose those when it leans against a wall. They are spread
    over the scenes like the clips of `read_held_out`, and nothing that comes after them is looked
    at. Where there are too few, others fill up, the flattest first.

    Raises:
        InputError: where CLIPS has no held-out scene of that length.
    """
    length = max(prompt_frames, LEVEL + 1)
    video = read_held_out(clips, CANDIDATES * count, length, seed, split).video
    steepest = torch.empty(0)
    for part in video.split(count):
        if (steepest < HALF_PIXEL).sum() >= count:
            break
        climb = displacements(part)[:, -LEVEL:, 1].abs().amax(dim=1)
        steepest = torch.cat([steepest, climb])
    level = steepest < HALF_PIXEL
    order = torch.where(level, 0.0, steepest).argsort(stable=True)[:count]
    return Starts(video[order, -prompt_frames:], int(level[order].sum()))


def clips_camera(clips: Path, split: Literal["train", "valid"] = "valid") -> Camera:
    """The camera of a folder of clips.

    Raises:
        InputError: where CLIPS has no such scene.
    """
    longest = max(scene.num_frames for scene in ClipDataset(clips, split, 2).scenes)
    return camera_of(
        read_held_out(clips, WATCHED, min(WATCHED_FRAMES, longest), seed=0, split=split).video
    )


def on_level(moved: Float[Tensor, "clips S 2"]) -> Bool[Tensor, "clips S"]:
    """Whether a transition begins where the last `LEVEL` ones went neither up nor down."""
    flat = moved[..., 1].abs() < HALF_PIXEL
    begins = torch.zeros_like(flat)
    for k in range(LEVEL, flat.shape[1]):
        begins[:, k] = flat[:, k - LEVEL : k].all(dim=1)
    return begins

"""Encoder and decoder of latent actions that look at a few numbers per frame.

Tokens of changes say how things move, so a summary of that needs no convolutions: where in the
picture a character is makes no difference to which way it goes.
"""

from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from playworld.models.motion.blocks import vector
from playworld.models.motion.changes import FOLLOW, Changes
from playworld.models.motion.source import scene_vector

SOFT = 1.0
"""Pixels per frame that are half of the greatest motion."""
WIDTH = 64
"""Features of the hidden layers."""
NOISE, SLOW, JUMP = 0.34, 0.5, -0.8
"""Motions as `seen_motion` has them: what a mean of blocks may be without a cause
(half a pixel), the first of a fall (a pixel), and a jump (4 pixels up)."""


def seen_motion(changes: Changes, reach: int) -> Float[Tensor, "*batch 4"]:
    """How the view moves, and what moves before a view that stands still: rows and columns.

    The second motion is the mean of the blocks that move by themselves, wherever they are. Motions
    m (pixels) become m / (|m| + SOFT), so that directions count more than speeds.
    """
    scene = scene_vector(changes.scene, reach) / 2
    alone = (changes.motion != FOLLOW).float()[..., None]
    own = alone * vector((changes.motion - 1).clamp_min(0), reach)
    # Motions lead from a pixel to its source: a view moves along, a block the other way.
    blocks = -own.sum(-2) / (alone.sum(-2) + 0.5)
    stands = (scene == 0).all(-1, keepdim=True)
    motion = torch.cat([scene, blocks * stands], dim=-1)
    return motion / (motion.abs() + SOFT)


def layers(entering: int, leaving: int) -> nn.Sequential:
    """Three linear layers."""
    return nn.Sequential(
        nn.Linear(entering, WIDTH),
        nn.SiLU(),
        nn.Linear(WIDTH, WIDTH),
        nn.SiLU(),
        nn.Linear(WIDTH, leaving),
    )


class VectorActionEncoder(nn.Module):
    """A latent per transition from the numbers of the frame that it leads to."""

    def __init__(self, channels: int, size: int, gravity: bool = False):
        """Args: with `gravity` the rows of a motion (every second channel) count only upwards."""
        super().__init__()
        self.layers = layers(channels, size)
        self.gravity = gravity

    def forward(self, video: Float[Tensor, "B T 1 1 C"]) -> Float[Tensor, "B S E"]:
        """One latent per transition."""
        motions = video[:, 1:, 0, 0]
        if self.gravity:
            rows = torch.arange(motions.shape[-1], device=motions.device) % 2 == 0
            motions = torch.where(rows, motions.clamp_max(0), motions)
        # Numbers within -1 and 1, spread out as after a normalisation.
        return self.layers(2 * motions)


def pressed_in_vain(
    video: Float[Tensor, "B T 1 1 C"], jump: Bool[Tensor, " B"], on: Bool[Tensor, " B"]
) -> Float[Tensor, "B T 1 1 C"]:
    """The same, but as where keys are let go or pressed that make no difference.

    In mid-air jump is let go, or (`jump`) pressed: a rise that slows down, a fall that begins and
    one that grows faster are gravity, whatever the player does. Where the view stops moving across,
    the direction is held (`on`), as against a wall.
    """
    before, rows = video[:, :-1, ..., ::2], video[:, 1:, ..., ::2]
    quick = torch.maximum(before.abs(), rows.abs()) > NOISE
    flies = (before < rows) & (before != 0) & (rows != 0) & quick
    begins = (before == 0) & (rows > 0) & (rows <= SLOW)  # on the ground jump would do something
    jump = jump[:, None, None, None, None]
    gravity = torch.where(jump, flies, flies | begins)
    pressed = video.clone()
    pressed[:, 1:, ..., ::2] = torch.where(gravity, JUMP * jump, rows)
    for last, across in pairwise(pressed[..., 0, 0, 1].unbind(1)):  # views: each sees the one held
        across.copy_(torch.where((across == 0) & on, last, across))
    return pressed


class VectorActionDecoder(nn.Module):
    """The numbers of the next frame: what is known of it, and what the action says beside that."""

    def __init__(self, channels: int, size: int):
        super().__init__()
        self.layers = layers(size, channels)

    def forward(
        self, past: Float[Tensor, "B S 1 1 C"], actions: Float[Tensor, "B S E"]
    ) -> Float[Tensor, "B S 1 1 C"]:
        """Those of frame k+1 from those of frame k and action k."""
        return past + torch.unflatten(self.layers(actions), 2, (1, 1, -1))

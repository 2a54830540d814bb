"""Dynamics on changes: how the scene moves is decided first, then every block of the frame.

Rest is the likeliest motion of every block on its own, so blocks decided one by one would never
scroll. Here one token is the motion of the scene, and the blocks are differences from it.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from playworld.config import check_ranges
from playworld.models.base import DynamicsModel
from playworld.models.batch_invariance import repeated
from playworld.models.kv_cache import KVCache, KVCacheEntry
from playworld.models.motion.changes import (
    CHOICES,
    FIRST_CODE,
    FOLLOW,
    QUARTERS,
    Changes,
    split_digits,
)
from playworld.models.motion.clearance import ClearanceEmbedding, clearance
from playworld.models.motion.flight import FlightEmbedding, expected_motion
from playworld.models.motion.foreground import ForegroundEmbedding, foreground, odds
from playworld.models.motion.layout import BlockLayout
from playworld.models.motion.scene_head import ExpectedMotion
from playworld.models.st_transformer import STTransformer, TransformerConfig
from playworld.models.stems import ConvEmbed


@dataclass(frozen=True)
class MotionDynamicsConfig(BlockLayout):
    """Shape of the dynamics of changes; the first six are the tokenizer's."""

    height: int
    """Rows of a frame, pixels."""
    width: int
    """Columns of a frame, pixels."""
    patch: int
    """Side of a block, pixels."""
    reach: int
    """Largest motion, pixels."""
    stages: int
    """Codes of a block with something new. The first is predicted; in play the others stay
    empty."""
    num_contents: int
    """Codes in each of its codebooks."""
    action_size: int
    """Features of a latent action, E; the latent action model's."""
    transformer: TransformerConfig
    """ST-transformer over the blocks, and one token more for the scene."""
    stem_channels: int = 16
    """Channels at half resolution of the convolutions on the last picture."""
    moved_picture: bool = False
    """Whether they also see the last picture as the scene moves it, once that is decided: what a
    character uncovers, and what comes back into view, can be seen there."""
    decides_split: bool = False
    """Whether a block is split is predicted first, and the choices of its quarters given that it
    is. Each quarter by itself most likely moves as the block does, so that none would be split."""
    keeps_scene: bool = False
    """The tokenizer's: they also see the scene without what moves before it."""
    sees_flight: bool = False
    """Whether they also see how the view has risen and fallen so far, `flight`: the top of a jump
    is not standing."""
    sees_foreground: bool = False
    """Whether they also see which blocks have something before the scene, which has to be kept for
    that: elsewhere nothing moves by itself."""
    sees_clearance: bool = False
    """Whether they also see how far that is from where the scene looks different, `clearance`: on
    ground and at walls, in any look."""
    expects_motion: bool = False
    """Whether motions of the scene are predicted also as offsets from that which the flight makes
    likely: a fall that goes on is then one thing to learn, at every speed."""

    def __post_init__(self) -> None:
        check_ranges(self, action_size=(1, 4_096), stem_channels=(1, 1_024))
        for name in ("sees_foreground", "sees_clearance"):
            if getattr(self, name) and not self.keeps_scene:
                raise ValueError(f"{name} needs keeps_scene: what is before the scene?")
        if self.expects_motion and not self.sees_flight:
            raise ValueError("expects_motion needs sees_flight: how did the scene move so far?")

    @property
    def num_positions(self) -> int:
        """Positions of a frame in the transformer: its blocks and the scene."""
        return self.num_blocks + 1

    @property
    def picture_size(self) -> int:
        """Numbers of `picture_features` for each block."""
        return self.transformer.width + self.sees_foreground + 2 * self.expects_motion

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Logits of a block: its motion, whether it is split, its quarters' choices, its content.

        Whether it is split takes none where that is not predicted by itself.
        """
        split = int(self.decides_split)
        return self.num_motions + 1, split, QUARTERS * CHOICES, FIRST_CODE + self.num_contents


class MotionDynamics(DynamicsModel):
    """Past changes, the last picture and a latent action to the changes of the next frame."""

    config: MotionDynamicsConfig

    def __init__(self, config: MotionDynamicsConfig):
        super().__init__()
        self.config = config
        width = config.transformer.width
        motions, *_, contents = config.sizes
        channels = 3 * (1 + config.keeps_scene + config.moved_picture)
        self.stem = ConvEmbed(config.patch, width, config.stem_channels, channels)
        self.scene = nn.Embedding(config.num_scenes + 1, width)
        self.motion = nn.Embedding(motions + 1, width)
        self.split = nn.Embedding(QUARTERS * CHOICES, width)
        self.content = nn.Embedding(contents + 1, width)
        for table in (self.scene, self.motion, self.split, self.content):
            nn.init.normal_(table.weight, std=0.5)
        self.flight = FlightEmbedding(width) if config.sees_flight else None
        self.foreground = ForegroundEmbedding(width) if config.sees_foreground else None
        self.clearance = ClearanceEmbedding(width) if config.sees_clearance else None
        self.action = nn.Linear(config.action_size, width)
        self.summary = nn.Parameter(torch.zeros(width))
        self.transformer = STTransformer(config.transformer, config.num_positions)
        self.scene_head = nn.Linear(width, config.num_scenes)
        self.expected = ExpectedMotion(width, config.reach) if config.expects_motion else None
        self.block_head = nn.Linear(width, sum(config.sizes))

    def picture_features(
        self,
        frames: Float[Tensor, "B T H W C"],
        flight: Int[Tensor, "B T 7"] | None = None,
        moved: Float[Tensor, "B T H W 3"] | None = None,
    ) -> Float[Tensor, "B T N F"]:
        """Features of the pictures from which the next frames are built. Pixels in [0, 1].

        Some configurations have more, which only `step` takes: with `sees_foreground` the `odds` of
        each block, with `expects_motion` the motion that is expected of the scene.

        Args:
            frames: with all layers of the canvas.
            flight: how the view has risen and fallen so far; needed if the configuration says so.
            moved: the last of these as the scene moves it; None while its motion is not decided.
        """
        before = self._before(frames)
        surroundings = self._surroundings(frames, flight, before)
        features = sum(surroundings, start=self._look(frames, moved))
        if before is not None:
            features = torch.cat([features, odds(before)[..., None].to(features)], dim=-1)
        if self.expected is not None:
            assert flight is not None, "these dynamics see the flight"
            motion = expected_motion(flight)[..., None, :].expand(*features.shape[:-1], 2)
            features = torch.cat([features, motion.to(features)], dim=-1)
        return features

    def _look(
        self,
        frames: Float[Tensor, "B T H W C"],
        moved: Float[Tensor, "B T H W 3"] | None,
    ) -> Float[Tensor, "B T N D"]:
        """What convolutions see of the pictures."""
        seen = pictures = frames[..., :6]
        if self.config.moved_picture:
            seen = torch.cat([pictures, pictures[..., -3:] if moved is None else moved], dim=-1)
        return self.stem((seen * 2 - 1).to(self.summary.dtype))

    def _before(self, frames: Float[Tensor, "B T H W C"]) -> Int[Tensor, "B T N"] | None:
        """The `foreground`, where these dynamics see it."""
        return foreground(frames, self.config.patch) if self.config.sees_foreground else None

    def _surroundings(
        self,
        frames: Float[Tensor, "B T H W C"],
        flight: Int[Tensor, "B T 7"] | None,
        before: Int[Tensor, "B T N"] | None,
    ) -> list[Float[Tensor, "B T _ D"]]:
        """What is measured instead, whatever it looks like."""
        features = []
        if self.foreground is not None and before is not None:
            features.append(self.foreground(before))
        if self.clearance is not None:
            ahead = clearance(frames, self.config.patch)
            features.append(self.clearance(ahead.to(self.summary.dtype)))
        if self.flight is not None:
            assert flight is not None, "these dynamics see the flight"
            features.append(self.flight(flight)[..., None, :])
        return features

    def embed(
        self,
        picture: Float[Tensor, "*batch N F"],
        changes: Changes,
        hidden: Bool[Tensor, "*batch P"],
    ) -> Float[Tensor, "*batch P D"]:
        """A frame as the transformer gets it: the scene, then the blocks."""
        picture = picture[..., : self.config.transformer.width]  # without what `step` takes
        scene = self.scene(changes.scene.masked_fill(hidden[..., 0], self.config.num_scenes))
        masked = hidden[..., 1:]
        motions, *_, contents = self.config.sizes
        digits = split_digits(changes.split)
        steps = CHOICES * torch.arange(QUARTERS, device=digits.device)
        quarters = self.split(digits + steps).sum(-2)
        blocks = (
            picture
            + self.motion(changes.motion.masked_fill(masked, motions))
            + self.content(changes.codes[..., 0].masked_fill(masked, contents))
            + quarters.masked_fill(masked[..., None], 0)
            + scene[..., None, :]
        )
        return torch.cat([(scene + self.summary + picture.mean(-2))[..., None, :], blocks], dim=-2)

    def forward(
        self,
        tokens: Int[Tensor, "B T L"],
        hidden: Bool[Tensor, "B T P"],
        actions: Float[Tensor, "B S E"],
        video: Float[Tensor, "B T H W C"],
        moved: Float[Tensor, "B T H W 3"] | None = None,
        flight: Int[Tensor, "B T 7"] | None = None,
        history: Int[Tensor, "B T L"] | None = None,
    ) -> Float[Tensor, "B S P V"]:
        """Logits for frames 1 to T-1 in one pass; each from its past with nothing hidden.

        Args:
            tokens: the changes of every frame from the one before.
            hidden: of which positions (the scene, then the blocks) nothing is known.
            actions: latent actions; number k leads from frame k to frame k+1.
            video: the frames, with all layers of the canvas.
            moved: for each frame the scene of the one before as it moves; needed if the
                configuration says so.
            flight: before each frame; needed if the configuration says so.
            history: the changes as later frames see them; `tokens` if None.
        """
        changes = Changes.unpack(tokens, self.config.num_blocks)
        seen = changes if history is None else Changes.unpack(history, self.config.num_blocks)
        # The first frame is built from itself.
        last = torch.cat([video[:, :1], video[:, :-1]], dim=1)
        surroundings = self._surroundings(last, flight, self._before(last))
        shown = pictures = sum(surroundings, start=self._look(last, moved))
        if moved is not None and self.config.moved_picture:
            unknown = sum(surroundings, start=self._look(last, None))
            shown = torch.where(hidden[..., :1, None], unknown, pictures)
        led = F.pad(self.action(actions), (0, 0, 1, 0))[:, :, None]  # none leads to the first
        past = self.embed(pictures, seen, torch.zeros_like(hidden)) + led
        guess = self.embed(shown, changes, hidden) + led
        expected = None if flight is None else expected_motion(flight[:, 1:])
        return self.logits(self._after_past(past, guess), expected)

    def logits(
        self, x: Float[Tensor, "*batch P D"], expected: Int[Tensor, "*batch 2"] | None
    ) -> Float[Tensor, "*batch P V"]:
        """First those of the scene, then those of the blocks, one row each, filled with zeros."""
        summary = repeated(x[..., :1, :])
        scene = self.scene_head(summary)
        if self.expected is not None:
            assert expected is not None, "these dynamics expect a motion"
            scene = scene + self.expected(
                summary, expected[..., None, :].expand(*summary.shape[:-1], 2)
            )
        scene = scene[..., :1, :]
        blocks = self.block_head(x[..., 1:, :])
        width = max(scene.shape[-1], blocks.shape[-1])
        rows = [F.pad(part, (0, width - part.shape[-1])) for part in (scene, blocks)]
        return torch.cat(rows, dim=-2)

    def step(
        self,
        tokens: Int[Tensor, "B L"],
        hidden: Bool[Tensor, "B P"],
        action: Float[Tensor, "B E"] | None,
        cache: KVCache,
        picture: Float[Tensor, "B N F"] | None = None,
    ) -> tuple[Float[Tensor, "B P V"], KVCacheEntry]:
        """Logits of the next frame alone, against the cached past; equal to `forward`'s.

        But for the odds of `foreground`: what is likely is learned, what to risk is not.

        The entry is what `append` commits, once it comes from a step with nothing hidden. `action`
        is None for the first frame of a prompt; `picture` is of `picture_features`.
        """
        assert picture is not None, "changes are predicted from the last picture"
        changes = Changes.unpack(tokens, self.config.num_blocks)
        x = self.embed(picture, changes, hidden)
        if action is not None:
            x = x + self.action(repeated(action.to(x.dtype)[:, None], x.shape[1]))
        x, entry = self.transformer.step(x, cache)
        width = self.config.transformer.width
        expected = picture[:, 0, -2:].round().long() if self.config.expects_motion else None
        logits = self.logits(x, expected)
        if self.foreground is not None:
            in_favour = picture[..., width : width + 1].to(logits)
            logits = logits - F.pad(in_favour, (FOLLOW, logits.shape[-1] - FOLLOW - 1, 1, 0))
        return logits, entry

"""Loss of latent actions and the dynamics of changes."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from playworld.models.motion.actions import pressed_in_vain
from playworld.models.motion.changes import (
    CHOICES,
    FIRST_CODE,
    QUARTERS,
    SKIP,
    Changes,
    split_digits,
)
from playworld.models.motion.dynamics import MotionDynamics
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.quantizer import Quantized
from playworld.train.masking import sample_mask
from playworld.train.objectives.objective import Batch, Metrics
from playworld.train.objectives.own_rollouts import roll_out
from playworld.train.objectives.world import WorldObjective
from playworld.world.token_sampler import ChangeSampler

SCENE_FIRST = 0.25
"""Share of the frames of which not even the scene's motion is known, as at the start of each frame
of play. Only that is scored there, and it counts as much as all blocks of another frame."""
WHOLE = 0.7
"""Share of the other frames of which no block is known, as in play with one refinement."""
UNKNOWN_START = 0.75
"""Share of the clips of whose first picture no change is known, as in play from a single picture.
The other clips begin amid a movement, as the window of a longer game does."""
SPLIT_WEIGHT = 0.25
"""Weight of the quarters' choices beside the block's motion."""
CODE_WEIGHT = 0.15
"""Weight of which code is new, beside whether something is. The codes have most of the entropy and
least of what the past can tell."""


class MotionWorldObjective(WorldObjective):
    """`WorldObjective` for changes: pictures go in beside the tokens.

    The tokens are those of each frame against the true one before it, so that they say what the
    frame brings and not how an earlier error is mended.
    """

    dynamics: MotionDynamics

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], Metrics]:
        """As `WorldObjective`, with half of the clips mirrored where the loss says so."""
        return super().forward(self._mirrored(batch))

    def normalizers(self, batch: Batch) -> Float[Tensor, "2"]:
        """As `WorldObjective`, of the clips as `forward` sees them."""
        return super().normalizers(self._mirrored(batch))

    def _mirrored(self, batch: Batch) -> Batch:
        if not self.loss_config.mirror:
            return batch
        turned = torch.tensor(batch.seeds, device=batch.video.device) % 2 == 1  # seeds are hashes
        video = torch.where(turned[:, None, None, None, None], batch.video.flip(3), batch.video)
        return replace(batch, video=video)

    def decoder_input(self, view: Float[Tensor, "B T H W C"]) -> Float[Tensor, "B S H W C"]:
        """Of pictures the frames before; of motion nothing.

        An action that is decoded from how things moved already says what has changed, and holding
        it would stand for nothing. Decoded alone it says how the scene moves.
        """
        if self.actions.config.tokens is None:
            return view[:, :-1]
        return torch.zeros_like(view[:, :-1])

    @torch.no_grad()
    def press_in_vain(
        self, actions: Quantized, view: Float[Tensor, "B T H W C"], draws: list[torch.Generator]
    ) -> Quantized:
        """The latent actions; in some clips, from some frame on, those of `pressed_in_vain`."""
        share, steps = self.loss_config.vain_actions, actions.codes.shape[1]
        without = share == 0 or not self.actions.config.gravity
        if without or (self.training and self.in_warmup):
            return actions
        chosen, jump, on = torch.stack([torch.rand(3, generator=draw) for draw in draws], dim=1)
        begins = torch.cat([torch.randint(steps, (1,), generator=draw) for draw in draws])
        begins = torch.where(chosen < share, begins, steps).to(view.device)
        pressed = pressed_in_vain(view, *(torch.stack([jump, on]) < 0.5).to(view.device))
        codes = self.actions.quantizer.nearest(self.actions.encoder(pressed))
        later = torch.arange(steps, device=view.device) >= begins[:, None]
        codes = torch.where(later, codes, actions.codes)
        return replace(actions, codes=codes, latents=self.actions.embed(codes))

    def sample_mask(self, batch: Batch, draws: list[torch.Generator]) -> Bool[Tensor, "B T P"]:
        """Which positions are hidden, on the CPU: all of a frame, or some of its blocks."""
        frames, count = batch.video.shape[1], self.dynamics.config.num_blocks
        masks = []
        for draw in draws:
            blocks = sample_mask(self.loss_config.masking, (1, frames, count), draw, WHOLE)
            scene = torch.rand(1, frames, 1, generator=draw) < SCENE_FIRST
            scene[:, 0] = False
            masks.append(torch.cat([scene, blocks | scene], dim=-1))
        return torch.cat(masks)

    def corrupt_tokens(
        self, tokens: Int[Tensor, "B T L"], draws: list[torch.Generator]
    ) -> Int[Tensor, "B T L"]:
        """The past as it was, in most clips from a first picture of which no change is known.

        In play the errors are in the picture, not in the changes. Cached tokens of a first picture
        say how the scene moved before it: known to the dynamics, "nothing moved" would mean rest.
        """
        unknown = torch.stack([torch.rand((), generator=draw) for draw in draws]) < UNKNOWN_START
        tokenizer = self._tokenizer[0]
        assert isinstance(tokenizer, MotionTokenizer)
        nothing = tokenizer.no_change(len(tokens), tokens.device)
        first = torch.where(unknown[:, None].to(tokens.device), nothing, tokens[:, 0])
        return torch.cat([first[:, None], tokens[:, 1:]], dim=1)

    @torch.no_grad()
    def roll_out(
        self,
        tokens: Int[Tensor, "B T L"],
        past: Int[Tensor, "B T L"],
        actions: Float[Tensor, "B S E"],
        video: Float[Tensor, "B T H W C"],
        draws: list[torch.Generator],
    ) -> tuple[Int[Tensor, "B T L"], Int[Tensor, "B T L"], Float[Tensor, "B T H W C"]]:
        """Some clips go on from the world's own pictures; see `own_rollouts`."""
        share, frames = self.loss_config.own_rollouts, video.shape[1]
        if share == 0:
            return tokens, past, video
        chosen = [i for i, draw in enumerate(draws) if torch.rand((), generator=draw) < share]
        if not chosen:
            return tokens, past, video
        tokenizer = self._tokenizer[0]
        assert isinstance(tokenizer, MotionTokenizer)
        size = ChangeSampler(self.dynamics.config).draws
        begins = torch.cat([torch.randint(1, frames, (1,), generator=draws[i]) for i in chosen])
        noise = torch.stack([torch.rand(frames, size, generator=draws[i]) for i in chosen])
        slips = torch.stack([torch.rand(frames, generator=draws[i]) for i in chosen])
        rows = torch.tensor(chosen, device=video.device)
        own = roll_out(
            tokenizer,
            self.dynamics,
            video[rows],
            actions[rows],
            tokens[rows],
            begins.to(video.device),
            noise.to(video.device),
            slips.to(video.device) < self.loss_config.own_scenes,
        )
        tokens, past, video = tokens.clone(), past.clone(), video.clone()
        tokens[rows], past[rows], video[rows] = own.targets, own.tokens, own.pictures
        return tokens, past, video

    def token_loss(
        self,
        tokens: Int[Tensor, "B T L"],
        hidden: Bool[Tensor, "B T P"],
        past: Int[Tensor, "B T L"],
        actions: Float[Tensor, "B S E"],
        video: Float[Tensor, "B T H W C"] | None = None,
    ) -> tuple[Float[Tensor, ""], Metrics]:
        """Cross-entropy of what is hidden of frames 1 to T-1, per hidden position."""
        assert video is not None, "changes are predicted from pictures"
        tokenizer, shape = self._tokenizer[0], self.dynamics.config
        moved = flight = None
        if shape.moved_picture or shape.keeps_scene or shape.sees_flight:
            assert isinstance(tokenizer, MotionTokenizer)
            video, moved, flight = tokenizer.context_pictures(past, video, tokens)
        logits = self.dynamics(tokens, hidden, actions, video, moved, flight, history=past)
        truth = Changes.unpack(tokens[:, 1:], shape.num_blocks)
        scene = hidden[:, 1:, 0]
        blocks = hidden[:, 1:, 1:] & ~scene[..., None]
        moves = logits[:, :, 0, : shape.num_scenes][scene].float()
        scene_loss = F.cross_entropy(moves, truth.scene[scene], reduction="sum")
        rows = logits[:, :, 1:, : sum(shape.sizes)][blocks].float()
        motion, splits, split, content = rows.split(shape.sizes, dim=-1)
        motion_loss = F.cross_entropy(motion, truth.motion[blocks], reduction="sum")
        split_loss = split_losses(splits, split, truth.split[blocks])
        kind_loss, code_loss = content_losses(content, truth.codes[..., 0][blocks])
        total = (
            shape.num_blocks * scene_loss
            + motion_loss
            + split_loss
            + kind_loss
            + CODE_WEIGHT * code_loss
        )
        loss = total / hidden[:, 1:].sum()
        count, frames = blocks.sum().clamp_min(1), scene.sum().clamp_min(1)
        right = (motion.detach().argmax(-1) == truth.motion[blocks]).float().sum() / count
        return loss, {
            "cross_entropy": loss.detach(),
            "scene_entropy": scene_loss.detach() / frames,
            "motion_entropy": motion_loss.detach() / count,
            "split_entropy": split_loss.detach() / count,
            "kind_entropy": kind_loss.detach() / count,
            "code_entropy": code_loss.detach()
            / (truth.codes[..., 0][blocks] != SKIP).sum().clamp_min(1),
            "accuracy": right,
        }


def split_losses(
    whether: Float[Tensor, "M flags"],
    logits: Float[Tensor, "M choices"],
    truth: Int[Tensor, " M"],
) -> Float[Tensor, ""]:
    """Sum of the cross-entropy of whether a block is split, and of the quarters of those that are.

    Without a flag it is of the quarters of all blocks.
    """
    quarters, flag = logits.unflatten(-1, (QUARTERS, CHOICES)), logits.new_zeros(())
    if whether.shape[1]:
        split = truth > 0
        flag = F.binary_cross_entropy_with_logits(whether[:, 0], split.float(), reduction="sum")
        quarters, truth = quarters[split], truth[split]
    digits = split_digits(truth).flatten()
    return flag + SPLIT_WEIGHT * F.cross_entropy(quarters.flatten(0, 1), digits, reduction="sum")


def content_losses(
    logits: Float[Tensor, "M K"], truth: Int[Tensor, " M"]
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Sums of the cross-entropy of whether a block is new, and of which code the new ones have."""
    every = logits.logsumexp(-1)
    fresh = logits[:, FIRST_CODE:]
    any_code = fresh.logsumexp(-1)
    new = truth != SKIP
    kind = every - torch.where(new, any_code, logits[:, SKIP])
    code = F.cross_entropy(fresh[new], truth[new] - FIRST_CODE, reduction="sum")
    return kind.sum(), code

"""How the tokens of one frame are drawn, for each kind of token: plain codes, or changes."""

import math
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from playworld.models.dynamics import DynamicsConfig
from playworld.models.kinds import AnyDynamicsConfig, AnyTokenizerConfig
from playworld.models.motion.changes import (
    BLEND,
    CHOICES,
    FIRST_CODE,
    FOLLOW,
    QUARTERS,
    SKIP,
    Changes,
    join_digits,
)
from playworld.models.motion.dynamics import MotionDynamicsConfig
from playworld.models.motion.source import comes_into_view
from playworld.world.maskgit import (
    COLDEST,
    RAREST,
    Temperature,
    by_token,
    decide,
    frame_noise,
    log_probability,
    refine,
    sample,
)
from playworld.world.sampler_config import SCENE_PASS, SamplerConfig, frame_passes

SURE = 0.9
"""Probability of the likeliest code from which on a block with something new gets a code. Codes of
which none is likely are noise, and the blending network does better without."""
ODDS_IN_VIEW = 3.0
"""Logit against content in a block that was in view: it has to be 95% likely."""
UNLIKELY = 0.1
"""Motions of the scene that are less likely than this share of the likeliest are not drawn, where
the dynamics see the flight. All others are as likely as they are predicted, at any temperature: of
a speed that grows by a fifth of a step in each frame, the likeliest is the last one for ever, and
a landing that is as likely now as later never comes."""
_DRAWS = 4 + QUARTERS
"""Uniform numbers of a block: whether it follows the scene, its own motion, whether it is new, its
code, and each quarter. One more where it is predicted by itself whether it is split."""


@runtime_checkable
class TokenSampler(Protocol):
    """Draws the tokens of a frame in a few passes; each sees what those before it decided."""

    def blank(self, rows: int, device: torch.device) -> tuple[Tensor, Bool[Tensor, "B P"]]:
        """Tokens (B, L) of which nothing is decided, and the positions that are hidden: all."""

    def passes(self, sampler: SamplerConfig) -> list[int]:
        """Numbers of the passes that decide something."""

    def noise(
        self, seeds: Int[Tensor, " B"], frames: Int[Tensor, " B"], sampler: SamplerConfig
    ) -> Float[Tensor, "B steps 2 draws"]:
        """All uniform numbers of a frame: a pure function of seed and frame number."""

    def refine(
        self,
        logits: Float[Tensor, "B P V"],
        tokens: Int[Tensor, "B L"],
        hidden: Bool[Tensor, "B P"],
        sampler: SamplerConfig,
        number: int,
        noise: Float[Tensor, "B steps 2 draws"],
    ) -> tuple[Int[Tensor, "B L"], Bool[Tensor, "B P"]]:
        """Tokens with some more decided, and the positions still hidden."""

    def propose(
        self,
        logits: Float[Tensor, "B P V"],
        tokens: Int[Tensor, "B L"],
        temperature: Temperature,
        chances: Float[Tensor, "B draws"],
    ) -> tuple[Int[Tensor, "B L"], Float[Tensor, "B N"]]:
        """A draw of every token, decided or not, and the log-probability of that of each place.

        `chances` are the numbers of `noise` for one pass at index 0 of its third axis.
        """


class CodeSampler:
    """Plain tokens: MaskGIT over the grid; all tokens of a place are drawn at once."""

    def __init__(self, config: DynamicsConfig, grid: tuple[int, int]) -> None:
        self._config, self._grid = config, grid

    def blank(self, rows: int, device: torch.device) -> tuple[Tensor, Bool[Tensor, "B P"]]:
        """As in `TokenSampler`."""
        shape = self._config
        tokens = torch.zeros((rows, shape.num_tokens), dtype=torch.long, device=device)
        return tokens, torch.ones((rows, shape.num_places), dtype=torch.bool, device=device)

    def passes(self, sampler: SamplerConfig) -> list[int]:
        """As in `TokenSampler`."""
        return frame_passes(sampler.steps, self._config.num_places, has_scene=False)

    def noise(
        self, seeds: Int[Tensor, " B"], frames: Int[Tensor, " B"], sampler: SamplerConfig
    ) -> Float[Tensor, "B steps 2 draws"]:
        """As in `TokenSampler`."""
        return frame_noise(seeds, frames, sampler.steps, self._config.num_tokens)

    def refine(self, logits, tokens, hidden, sampler, number, noise):
        """As in `TokenSampler`."""
        return refine(logits, tokens, hidden, sampler, number, noise, self._grid)

    def propose(self, logits, tokens, temperature, chances):
        """As in `TokenSampler`."""
        every = by_token(logits, self._config.factors)
        drawn = sample(every, temperature, chances)
        return drawn, log_probability(every, drawn, self._config.num_places)


class ChangeSampler:
    """Changes: the motion of the scene first, then the blocks as MaskGIT decides tokens.

    All of a block (motion, split, content) is drawn at once. Of its content only the first stage
    is: later stages add detail that the past does not determine.
    """

    def __init__(self, config: MotionDynamicsConfig) -> None:
        self._config = config

    def blank(self, rows: int, device: torch.device) -> tuple[Tensor, Bool[Tensor, "B P"]]:
        """As in `TokenSampler`."""
        shape = self._config
        tokens = torch.zeros((rows, shape.num_tokens), dtype=torch.long, device=device)
        hidden = torch.ones((rows, shape.num_positions), dtype=torch.bool, device=device)
        return tokens, hidden

    def passes(self, sampler: SamplerConfig) -> list[int]:
        """As in `TokenSampler`."""
        return frame_passes(sampler.steps, self._config.num_blocks, has_scene=True)

    def noise(
        self, seeds: Int[Tensor, " B"], frames: Int[Tensor, " B"], sampler: SamplerConfig
    ) -> Float[Tensor, "B steps 2 draws"]:
        """As in `TokenSampler`: a row of numbers for each thing that is drawn of a block."""
        return frame_noise(seeds, frames, sampler.steps + 1, self.draws)

    @property
    def draws(self) -> int:
        """Uniform numbers of one pass."""
        return (_DRAWS + self._config.decides_split) * self._config.num_blocks

    def refine(self, logits, tokens, hidden, sampler, number, noise):
        """As in `TokenSampler`."""
        logits, hidden, config = logits.float(), hidden.clone(), self._config
        if number == SCENE_PASS:
            scene = self.draw_scene(logits, sampler.temperature, noise[:, 0, 0])
            hidden[:, 0] = False
            return torch.cat([scene, tokens[:, 1:]], dim=1), hidden
        drawn = self.draw_blocks(tokens, logits, sampler.temperature, noise[:, number, 0])
        motion = logits[:, 1:, : config.sizes[0]]
        waiting, step = hidden[:, 1:], number - 1
        order, doubt = noise[:, 0, 1, : waiting.shape[1]], noise[:, number, 1, : waiting.shape[1]]
        decided = decide(motion, drawn.motion, waiting, sampler, step, order, doubt, config.grid)
        every = decided.repeat(1, 2 + config.stages)  # in the order in which they are packed
        kept = torch.where(every, drawn.pack()[:, 1:], tokens[:, 1:])
        hidden[:, 1:] &= ~decided
        return torch.cat([tokens[:, :1], kept], dim=1), hidden

    def propose(self, logits, tokens, temperature, chances):
        """As in `TokenSampler`; a block is as probable as its motion."""
        logits = logits.float()
        drawn = self.draw_blocks(tokens, logits, temperature, chances)
        motion = logits[:, 1:, : self._config.sizes[0]]
        sure = log_probability(motion, drawn.motion, self._config.num_blocks)
        scene = self.draw_scene(logits, temperature, chances)
        return torch.cat([scene, drawn.pack()[:, 1:]], dim=1), sure

    def draw_scene(
        self,
        logits: Float[Tensor, "B P V"],
        temperature: Temperature,
        chances: Float[Tensor, "B draws"],
    ) -> Int[Tensor, "B 1"]:
        """The motion of the scene: whether it moves comes before which way, as in `draw_blocks`."""
        logits = logits[:, :1, : self._config.num_scenes]
        rest = self._config.num_scenes // 2
        ways = torch.cat([logits[..., :rest], logits[..., rest + 1 :]], dim=-1)
        whether = _none_or_some(logits[..., rest], ways)
        if self._config.sees_flight:
            whether, ways, temperature = _likely(whether), _likely(ways), _as_predicted(temperature)
        moves = sample(whether, temperature, chances[:, :1]) == 1
        way = sample(ways, temperature, chances[:, 1:2])
        return torch.where(moves, way + (way >= rest), rest)

    def draw_blocks(
        self,
        tokens: Int[Tensor, "B L"],
        logits: Float[Tensor, "B P V"],
        temperature: Temperature,
        uniform: Float[Tensor, "B draws"],
    ) -> Changes:
        """A proposal for every block; the scene stays that of `tokens`."""
        blocks = logits[:, 1:, : sum(self._config.sizes)]
        chances = uniform.unflatten(1, (-1, self._config.num_blocks))
        motion, splits, split, content = blocks.split(self._config.sizes, dim=-1)
        quarters = split.unflatten(-1, (QUARTERS, CHOICES)).flatten(1, 2)
        every = chances[:, 4:_DRAWS].transpose(1, 2).flatten(1)
        digits = sample(quarters, temperature, every).unflatten(1, (-1, QUARTERS))
        if self._config.decides_split:
            whole = torch.zeros_like(splits[..., 0])
            parted = _either(whole, splits, temperature, chances[:, _DRAWS])
            digits = digits * parted[..., None]
        # Whether at all comes before which: the likeliest motion or code of a block that surely has
        # one may still be less likely than none.
        own, codes = motion[..., FOLLOW + 1 :], content[..., FIRST_CODE:]
        alone = _either(motion[..., FOLLOW], own, temperature, chances[:, 0])
        moved = FOLLOW + 1 + sample(own, temperature, chances[:, 1])
        new = _either(self._odds_against_new(tokens, content), codes, temperature, chances[:, 2])
        sure = codes.softmax(-1).amax(-1) >= SURE
        code = FIRST_CODE + sample(codes, temperature, chances[:, 3])
        first = torch.where(new, torch.where(sure, code, BLEND), SKIP)
        old = Changes.unpack(tokens, self._config.num_blocks)
        return Changes(
            old.scene,
            torch.where(alone, moved, FOLLOW),
            join_digits(digits),
            torch.cat([first[..., None], torch.zeros_like(old.codes[..., 1:])], dim=-1),
        )

    def _odds_against_new(
        self, tokens: Int[Tensor, "B L"], content: Float[Tensor, "B N V"]
    ) -> Float[Tensor, "B N"]:
        """Logits of a block without content; where the scene is kept, of one in view with more.

        What it covered is in the scene. Content that is not needed looks wrong in the next frame,
        which asks for more of it, until the block is white.
        """
        if not self._config.keeps_scene:
            return content[..., SKIP]
        stays = ~comes_into_view(tokens[:, 0], self._config)
        return content[..., SKIP] + ODDS_IN_VIEW * stays


def _likely(logits: Float[Tensor, "B N K"]) -> Float[Tensor, "B N K"]:
    """The same, but so low that they are not drawn where they are `UNLIKELY`."""
    top = logits.amax(-1, keepdim=True)
    return torch.where(logits < top + math.log(UNLIKELY), top + RAREST, logits)


def _as_predicted(temperature: Temperature) -> Temperature:
    """1, but 0 where the likeliest is to be taken."""
    if isinstance(temperature, Tensor):
        return (temperature >= COLDEST).to(temperature)
    return float(temperature >= COLDEST)


def _either(
    none: Float[Tensor, "B N"],
    some: Float[Tensor, "B N K"],
    temperature: Temperature,
    uniform: Float[Tensor, "B N"],
) -> Bool[Tensor, "B N"]:
    """Whether it is one of `some`, whichever, rather than none."""
    return sample(_none_or_some(none, some), temperature, uniform) == 1


def _none_or_some(
    none: Float[Tensor, "B N"], some: Float[Tensor, "B N K"]
) -> Float[Tensor, "B N choices"]:
    """Logits of none, and of one of `some`, whichever."""
    return torch.stack([none, some.logsumexp(-1)], dim=-1)


def token_sampler_of(tokenizer: AnyTokenizerConfig, dynamics: AnyDynamicsConfig) -> TokenSampler:
    """How frames of this kind are drawn."""
    if isinstance(dynamics, MotionDynamicsConfig):
        return ChangeSampler(dynamics)
    return CodeSampler(dynamics, tokenizer.grid)

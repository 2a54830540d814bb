"""A step of play on an accelerator: nothing on the CPU, nothing waited for.

No GPU is needed: tensors on the `meta` device have shapes but no values, so that reading a value is
an error, and so is a shape that depends on one.
"""

from collections.abc import Iterator
from typing import get_args

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from playworld.models.actions import LatentActionModel
from playworld.models.kinds import build_dynamics, build_tokenizer
from playworld.presets import preset
from playworld.world.sampler_config import Order, SamplerConfig
from playworld.world.world_models import WorldModels

META = torch.device("meta")
PLAYERS = 3


class OnlyMeta(TorchDispatchMode):
    """Collects the operations that take or give a tensor of another device."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        given = func(*args, **(kwargs or {}))
        if any(t.device != META for t in _tensors([args, given])):
            self.elsewhere.append(str(func))
        return given


def _tensors(value: object) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)


@pytest.fixture(params=["small", "motion", "platformer"])
def models(request) -> WorldModels:
    """Whole frames of tokens, and changes."""
    recipe = preset(request.param)
    with META:
        actions = LatentActionModel(recipe.actions)
        return WorldModels(
            build_tokenizer(recipe.tokenizer), actions, build_dynamics(recipe.dynamics)
        )


@torch.no_grad()
def play(models: WorldModels) -> list[torch.Tensor]:
    """A start from two pictures, and a step in each order."""
    config, dynamics, tokenizer = models.tokenizer.config, models.dynamics, models.tokenizer
    video = torch.zeros(PLAYERS, 2, config.height, config.width, 3, device=META)
    tokens, actions = models.encode_prompt(video), models.prompt_actions(video)
    memory, decoder = dynamics.start_cache(PLAYERS), tokenizer.begin(video[:, 0])
    for t in range(2):
        picture, hidden = (
            models.picture_features(decoder, tokens[:, t]),
            models.nothing_hidden(PLAYERS),
        )
        led = actions[:, 0] if t else None
        _, entry = dynamics.step(tokens[:, t], hidden, led, memory, picture)
        memory = dynamics.append(memory, entry, in_place=True)
        frames, decoder = tokenizer.decode_step(tokens[:, t], decoder, in_place=True)
        frames, decoder = tokenizer.anchor(tokens[:, t], frames, decoder, video[:, t])
    number, made = torch.zeros(PLAYERS, dtype=torch.long, device=META), []
    picture = models.picture_features(decoder)
    for order in get_args(Order):
        sampler = SamplerConfig(2, 0.1, order)
        noise = models.token_sampler.noise(number, number, sampler)
        chosen, hidden = models.token_sampler.blank(PLAYERS, META)
        for step in models.token_sampler.passes(sampler):
            logits, _ = dynamics.step(chosen, hidden, actions[:, 0], memory, picture)
            chosen, hidden = models.token_sampler.refine(
                logits, chosen, hidden, sampler, step, noise
            )
        made.append(tokenizer.decode_step(chosen, decoder)[0])
    return made


def test_a_frame_is_made_on_its_device_alone(models):
    play(models)  # constants are copied there once
    with OnlyMeta() as operations:
        frames = play(models)
    assert {frame.device for frame in frames} == {META} and frames[0].shape[0] == PLAYERS
    assert operations.elsewhere == []

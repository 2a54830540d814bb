"""Counts agree with formulas written by hand, and with PyTorch's counter on a backward pass."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from playworld.models.actions import LatentActionConfig
from playworld.models.dynamics import Dynamics, DynamicsConfig
from playworld.models.flops import (
    BACKWARD,
    actions_flops,
    cache_numbers,
    count,
    dynamics_flops,
    on_meta,
    parameters,
    refinement_flops,
    rendering_flops,
    tokenizer_flops,
)
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.quantizer import QuantizerConfig
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import TokenizerConfig, VideoTokenizer
from playworld.presets import MOTION, PLATFORMER

N, K, E, D, L, H, S, HIDDEN, WINDOW = 6, 11, 3, 16, 3, 2, 10, 24, 4
SHAPE = TransformerConfig(D, L, H, S, mlp_ratio=HIDDEN / D, temporal_every=2, window=WINDOW)
DYNAMICS = DynamicsConfig(N, K, E, SHAPE)
TIMED = 2  # blocks 0 and 2 of three


def by_hand(frames: int) -> dict[str, int]:
    """Forward operations of the transformer over `frames` frames of N tokens, and of its head."""
    tokens = frames * N
    project = 2 * tokens * D * 4 * H * S  # queries, keys, values and the way back
    return {
        "spatial attention": L * (project + 4 * tokens * N * H * S),
        "temporal attention": TIMED * (project + 4 * tokens * frames * H * S),
        "feed-forward": L * 4 * tokens * D * HIDDEN,
    }


def test_a_clip_costs_what_the_formulas_say():
    B, T = 2, 5
    flops = dynamics_flops(DYNAMICS, B, T, history=False)
    expected = {part: B * operations for part, operations in by_hand(T).items()}
    rest = B * (T - 1) * 2 * (N * D * K + E * D)  # logits, actions
    assert flops.parts == expected | {"rest": rest}
    assert flops.total == sum(expected.values()) + rest


@pytest.mark.parametrize("recipe", [MOTION, PLATFORMER], ids=lambda recipe: recipe.name)
def test_every_part_of_worlds_of_changes_is_counted(recipe):
    passes = dynamics_flops(recipe.dynamics, 1, 3, history=True).total
    assert passes > dynamics_flops(recipe.dynamics, 1, 2, history=True).total
    assert passes > refinement_flops(recipe.dynamics).total > 0
    assert rendering_flops(recipe.tokenizer).total > 0


def test_a_deep_model_costs_what_a_call_of_it_costs():
    config = replace(DYNAMICS, transformer=replace(SHAPE, num_layers=5, temporal_every=1))
    model = on_meta(lambda: Dynamics(config))
    tokens = torch.zeros(2, 5, N, dtype=torch.long, device="meta")
    called = count(lambda: model(tokens, tokens.bool(), torch.zeros(2, 4, E, device="meta")))
    assert dynamics_flops(config, 2, 5, history=False) == called


def test_with_history_visible_and_hidden_frames_go_through():
    T = 5
    flops = dynamics_flops(DYNAMICS, 1, T, history=True)
    expected = by_hand(2 * (T - 1))
    assert {part: flops.parts[part] for part in expected} == expected


def test_the_backward_pass_costs_twice_the_forward():
    model = on_meta(lambda: Dynamics(DYNAMICS))
    tokens = torch.zeros(2, 5, N, dtype=torch.long, device="meta")
    actions = torch.zeros(2, 4, E, device="meta")
    with FlopCounterMode(display=False) as counter:
        model(tokens, tokens.bool(), actions).sum().backward()
    forward = dynamics_flops(DYNAMICS, 2, 5, history=False).total
    both = (1 + BACKWARD) * forward
    assert both * 0.98 < counter.get_total_flops() <= both  # none for the input of the first layer


def test_one_refinement_costs_a_frame_and_a_look_back():
    flops = refinement_flops(DYNAMICS)
    expected = by_hand(1)
    look_back = TIMED * 4 * N * H * S * (WINDOW - 1)  # by_hand has the look at itself
    assert flops.parts["spatial attention"] == expected["spatial attention"]
    assert flops.parts["temporal attention"] == expected["temporal attention"] + look_back
    assert flops.parts["feed-forward"] == expected["feed-forward"]


def test_the_cache_has_as_many_numbers_as_a_real_one():
    cache = Dynamics(DYNAMICS).start_cache(1)
    assert cache_numbers(SHAPE, N) == cache.keys.numel() + cache.values.numel()


def test_parameters_are_those_of_a_real_model():
    blocks = L * (4 * D * H * S + 2 * D * HIDDEN + 2 * D + 2 * S)
    blocks += TIMED * (4 * D * H * S + D + 2 * S)
    ends = (K + 1) * D + (E + 1) * D + N * D + D + (D + 1) * K
    assert parameters(on_meta(lambda: Dynamics(DYNAMICS))) == blocks + ends


@pytest.mark.parametrize("stem", ["linear", "conv"])
def test_tokenizers_of_both_stems_can_be_counted(stem):
    shape = TransformerConfig(16, 1, 2, 8, window=2)
    config = TokenizerConfig(16, 24, 4, shape, shape, QuantizerConfig(32, 8), stem, 4)
    one, two = tokenizer_flops(config, 1, 2), tokenizer_flops(config, 3, 2)
    assert two.total == 3 * one.total
    alone = count(lambda: on_meta(lambda: VideoTokenizer(config)))  # building is no arithmetic
    assert alone.total == 0
    assert 0 < rendering_flops(config).total < one.total


def test_a_tokenizer_of_changes_can_be_counted():
    book = QuantizerConfig(32, 192, normalize=False)
    config = MotionTokenizerConfig(16, 24, book, reach=4, stages=2, channels=8, layers=1)
    one, three = tokenizer_flops(config, 1, 2), tokenizer_flops(config, 3, 2)
    assert three.total == 3 * one.total
    assert 0 < rendering_flops(config).total < one.total


def test_the_latent_action_model_of_both_stems_can_be_counted():
    shape, book = TransformerConfig(16, 1, 2, 8), QuantizerConfig(4, 8)
    linear = LatentActionConfig(16, 24, book, patch=8, encoder=shape, decoder=shape)
    conv = LatentActionConfig(16, 24, book, stem="conv", patch=8, stem_channels=4)
    for config in (linear, conv):
        assert actions_flops(config, 2, 4).total == 2 * actions_flops(config, 1, 4).total > 0

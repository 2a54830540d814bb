from dataclasses import replace

import pytest
import torch

from playworld.models.actions import LatentActionConfig, LatentActionModel, TokenView
from playworld.models.motion.actions import pressed_in_vain
from playworld.models.quantizer import QuantizerConfig
from playworld.models.st_transformer import TransformerConfig

SHAPE = TransformerConfig(16, 2, 2, 8, window=16)
STEMS = ["linear", "conv"]


def make(stem: str, num_actions: int = 4) -> LatentActionModel:
    torch.manual_seed(0)
    book = QuantizerConfig(num_actions, 4)
    if stem == "linear":
        config = LatentActionConfig(16, 24, book, patch=8, encoder=SHAPE, decoder=SHAPE)
    else:
        config = LatentActionConfig(16, 24, book, "conv", patch=8, stem_channels=4, context=3)
    model = LatentActionModel(config).eval()
    for parameter in model.decoder.parameters():  # the output starts at 0, which would hide leaks
        torch.nn.init.normal_(parameter, std=0.2)
    return model


@pytest.mark.parametrize("stem", STEMS)
def test_there_is_one_action_per_transition(stem):
    actions = make(stem).encode(torch.rand(2, 7, 16, 24, 3))
    assert actions.shape == (2, 6) and 0 <= actions.min() and actions.max() < 4


@pytest.mark.parametrize("stem", STEMS)
def test_an_action_knows_the_frame_it_leads_to_and_none_after_it(stem):
    model, video = make(stem), torch.rand(1, 6, 16, 24, 3)
    edited = video.clone()
    edited[:, 4] = 1 - edited[:, 4]
    changed = (model.encoder(edited) - model.encoder(video)).abs().sum(-1)[0]
    assert changed[:3].max() < 1e-5 and changed[3] > 1e-4


@pytest.mark.parametrize("stem", STEMS)
def test_the_decoder_sees_nothing_of_the_frame_it_predicts_but_the_action(stem):
    model, video = make(stem), torch.rand(1, 6, 16, 24, 3)
    actions = torch.randn(1, 5, 4)
    edited = video.clone()
    edited[:, 4] = 1 - edited[:, 4]
    before, after = model.decoder(video[:, :-1], actions), model.decoder(edited[:, :-1], actions)
    torch.testing.assert_close(after[:, :4], before[:, :4])
    assert not torch.allclose(after[:, 4], before[:, 4])


@pytest.mark.parametrize("stem", STEMS)
def test_action_k_conditions_frame_k_plus_1_and_none_before(stem):
    model, video = make(stem), torch.rand(1, 6, 16, 24, 3)
    actions = torch.randn(1, 5, 4)
    other = actions.clone()
    other[:, 2] += 1
    before, after = model.decoder(video[:, :-1], actions), model.decoder(video[:, :-1], other)
    torch.testing.assert_close(after[:, :2], before[:, :2])
    assert not torch.allclose(after[:, 2], before[:, 2])


def test_the_features_of_an_action_are_as_wide_as_the_code():
    model = make("conv", num_actions=7)
    assert model.embed(torch.arange(7)).shape == (7, 4) and model.config.num_actions == 7


@pytest.mark.parametrize("stem", STEMS)
def test_on_tokens_it_looks_at_codes_and_predicts_codes(stem):
    config, view = make(stem).config, TokenView(patch=1, code_size=5)
    model = LatentActionModel(replace(config, tokens=view, patch=8)).eval()
    codes = 3 * torch.randn(2, 6, 16, 24, 5)
    predicted, quantized = model(codes)
    assert predicted.shape == (2, 5, 16, 24, 5) and quantized.codes.shape == (2, 5)
    for parameter in model.decoder.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    assert model(codes)[0].abs().max() > 1  # codes are not bounded as pixels are


def test_the_size_of_what_it_looks_at_is_that_of_the_tokens():
    view = TokenView(patch=4, code_size=5)
    config = LatentActionConfig(64, 96, QuantizerConfig(8), "conv", patch=8, tokens=view)
    assert config.size == (16, 24) and config.channels == 5 and config.cells == (2, 3)


def test_plain_layers_infer_an_action_from_the_numbers_of_one_place():
    view = TokenView(patch=24, code_size=4)
    model = LatentActionModel(
        LatentActionConfig(16, 24, QuantizerConfig(3, 4), "vector", tokens=view)
    ).eval()
    video = torch.rand(2, 5, 1, 1, 4)
    predicted, quantized = model(video)
    assert predicted.shape == (2, 4, 1, 1, 4) and quantized.codes.shape == (2, 4)
    edited = video.clone()
    edited[:, 3] *= -1
    changed = (model.encoder(edited) - model.encoder(video)).abs().amax((0, 2)) > 1e-6
    assert changed.tolist() == [False, False, True, False]


def test_under_gravity_an_action_is_the_same_whether_one_stands_or_falls():
    config = LatentActionConfig(
        16, 24, QuantizerConfig(3, 4), "vector", tokens=TokenView(24, 4), gravity=True
    )
    encoder = LatentActionModel(config).eval().encoder
    motions = torch.tensor([[0.0, 0.5, 0, 0], [0.7, 0.5, 0, 0], [-0.7, 0.5, 0, 0], [0, -0.5, 0, 0]])
    start = torch.zeros(1, 1, 1, 1, 4)
    level, falls, rises, back = encoder(torch.cat([start, motions[None, :, None, None]], 1))[0]
    assert torch.equal(level, falls)
    assert not torch.allclose(level, rises) and not torch.allclose(level, back)
    with pytest.raises(ValueError, match="gravity is known only"):
        LatentActionConfig(32, 32, QuantizerConfig(3), "conv", gravity=True)


def test_a_direction_is_held_on_where_the_view_stops_and_until_it_turns():
    across = torch.tensor([0, 0, 0.6, 0, 0, -0.5, 0])
    view = torch.zeros(2, 7, 1, 1, 4)
    view[:, :, 0, 0, 1] = across
    no, on = torch.zeros(2, dtype=torch.bool), torch.tensor([True, False])
    pressed = pressed_in_vain(view, jump=no, on=on)
    held = torch.tensor([0, 0, 0.6, 0.6, 0.6, -0.5, -0.5])
    assert torch.equal(pressed[0, :, 0, 0, 1], held) and torch.equal(pressed[1], view[1])
    assert not pressed[..., [0, 2, 3]].any()


def test_each_stem_refuses_the_shape_of_the_other():
    with pytest.raises(ValueError, match="view of 1x1, got 24x16"):
        LatentActionConfig(16, 24, QuantizerConfig(8), "vector")
    with pytest.raises(ValueError, match="needs encoder and decoder"):
        LatentActionConfig(16, 16, QuantizerConfig(8))
    with pytest.raises(ValueError, match="patch of 8 or more"):
        LatentActionConfig(16, 16, QuantizerConfig(8), "conv", patch=4)


def test_with_context_the_decoder_knows_what_moved_before():
    model, video = make("conv"), torch.rand(1, 6, 16, 24, 3)
    actions, edited = torch.randn(1, 5, 4), video.clone()
    edited[:, 1] = 1 - edited[:, 1]
    before, after = model.decoder(video[:, :-1], actions), model.decoder(edited[:, :-1], actions)
    changed = (after - before).abs().amax((-3, -2, -1))[0] > 1e-6
    assert changed.tolist() == [False, True, True, True, False]


def test_a_clip_shorter_than_the_context_has_actions_too():
    assert make("conv").encode(torch.rand(1, 2, 16, 24, 3)).shape == (1, 1)


def test_convolutions_take_a_picture_that_does_not_divide():
    config = LatentActionConfig(18, 27, QuantizerConfig(8), "conv", patch=8, stem_channels=8)
    model, video = LatentActionModel(config).eval(), torch.rand(1, 3, 18, 27, 3)
    predicted, quantized = model(video)
    assert predicted.shape == (1, 2, 18, 27, 3) and quantized.codes.shape == (1, 2)
    torch.testing.assert_close(predicted, video[:, :-1])  # a change starts at zero

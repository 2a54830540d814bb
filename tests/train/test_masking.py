import pytest
import torch

from playworld.train.masking import corrupt, repeat_action, sample_mask

MASKINGS = ["history", "prefix", "paper"]


def draw(masking: str, seed: int = 0, shape=(64, 8, 16)) -> torch.Tensor:
    return sample_mask(masking, shape, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("masking", MASKINGS)
def test_frame_0_is_never_hidden(masking):
    assert not draw(masking)[:, 0].any()


@pytest.mark.parametrize("masking", MASKINGS)
def test_rates_differ_between_the_frames_of_one_clip(masking):
    rates = draw(masking, shape=(32, 8, 256))[:, 1:].float().mean(-1)
    assert float(rates.std(dim=1).mean()) > 0.05


@pytest.mark.parametrize("masking", MASKINGS)
def test_masks_are_a_pure_function_of_the_generator(masking):
    assert torch.equal(draw(masking, 3), draw(masking, 3))
    assert not torch.equal(draw(masking, 3), draw(masking, 4))


def test_the_papers_rates_lie_between_a_half_and_one():
    rates = draw("paper", shape=(64, 8, 1024))[:, 1:].float().mean(-1)
    assert 0.45 < float(rates.min()) < 0.55 and float(rates.max()) > 0.95


@pytest.mark.parametrize("masking", ["history", "prefix"])
def test_fully_hidden_frames_are_common_where_the_past_is_clean(masking):
    full = draw(masking)[:, 1:].all(-1).float().mean()
    assert float(full) > 0.15


def test_a_prefix_stays_visible_in_most_clips():
    visible = ~draw("prefix", shape=(512, 8, 16)).any(-1)
    assert (
        0.4 < float(visible[:, 1].float().mean()) < 0.6
    )  # 60% x (6 of 7 prefixes are longer than 1)
    assert torch.equal(visible, visible.int().cummin(dim=1).values.bool())


@pytest.mark.parametrize("masking", ["history", "paper"])
def test_every_frame_that_can_be_scored_is(masking):
    assert draw(masking)[:, 1:].any(-1).all()


def test_corruption_leaves_the_targets_alone_and_stays_below_its_limit():
    tokens = torch.randint(100, (256, 4, 64))
    before = tokens.clone()
    spoiled = corrupt(tokens, 0.2, 100, torch.Generator().manual_seed(0))
    assert torch.equal(tokens, before)
    share = (spoiled != tokens).float().mean(dim=(1, 2))
    assert 0.08 < float(share.mean()) < 0.12 and float(share.max()) < 0.35


def test_an_action_is_held_too_long_for_one_stretch_in_a_share_of_the_clips():
    generator, codes = torch.Generator().manual_seed(0), torch.arange(11)
    drawn = [repeat_action(codes, 0.3, generator) for _ in range(2_000)]
    held = [told for told in drawn if not torch.equal(told, codes)]
    assert 0.25 < len(held) / len(drawn) < 0.35
    lengths = set()
    for told in held:
        where = (told != codes).nonzero()[:, 0]
        assert (told[where] == codes[where[0] - 1]).all()  # the one before goes on
        assert len(where) == int(where[-1] - where[0]) + 1
        lengths.add(len(where))
    assert lengths == set(range(1, 11))

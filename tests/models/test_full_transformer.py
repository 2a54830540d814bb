import torch

from playworld.models.attention import TemporalAttention, rotary
from playworld.models.flops import kept_bytes
from playworld.models.full_transformer import FullAttention, FullTransformer
from playworld.models.st_transformer import STTransformer, TransformerConfig, history_mask

SHAPE = TransformerConfig(16, 2, 2, 8, window=2)


def changed(attention: torch.nn.Module) -> torch.Tensor:
    """Which of 4 frames x 3 tokens change with token 0 of frame 1."""
    times = torch.arange(4)
    mask = history_mask(times, torch.ones(4, dtype=torch.bool), window=2)[None]
    x = torch.randn(1, 4, 3, 16)
    other = x.clone()
    other[:, 1, 0] += 1
    before, after = (attention(t, rotary(times[None], 8), mask)[0] for t in (x, other))
    return (after - before)[0].abs().amax(-1) > 1e-6


@torch.no_grad()
def test_full_attention_sees_all_places_of_its_window_and_temporal_attention_its_own():
    torch.manual_seed(0)
    none, every, first = [False] * 3, [True] * 3, [True, False, False]
    assert changed(FullAttention(16, 2, 8)).tolist() == [none, every, every, none]
    assert changed(TemporalAttention(16, 2, 8)).tolist() == [none, first, first, none]


def test_it_begins_with_weights_of_the_size_of_an_st_transformer():
    torch.manual_seed(0)
    full = FullTransformer(SHAPE, 6).blocks[0].mlp[2].weight.std()
    torch.manual_seed(0)
    torch.testing.assert_close(full, STTransformer(SHAPE, 6).blocks[0].mlp[2].weight.std())


def test_what_is_kept_for_the_backward_pass_is_counted_without_the_weights():
    layer, x = torch.nn.Linear(8, 4), torch.randn(5, 8, requires_grad=True)
    assert kept_bytes(layer, lambda: layer(x)) == 4 * 5 * 8
    assert kept_bytes(layer, lambda: layer(x).exp()) == 4 * (5 * 8 + 5 * 4)

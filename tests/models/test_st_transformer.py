import pytest
import torch

from playworld.models.attention import rotary, rotate
from playworld.models.kv_cache import KVCache
from playworld.models.st_transformer import STTransformer, TransformerConfig, history_mask


def make(window: int = 4, temporal_every: int = 1, positions: int = 6) -> STTransformer:
    torch.manual_seed(0)
    config = TransformerConfig(16, 3, 2, 8, temporal_every=temporal_every, window=window)
    return STTransformer(config, positions).eval()


@pytest.mark.parametrize("length", [16, 32])
def test_a_later_frame_never_changes_an_earlier_output(length):
    model, x = make(window=16), torch.randn(1, length, 6, 16)
    edited = x.clone()
    edited[:, length // 2] += 1.0
    torch.testing.assert_close(model(edited)[:, : length // 2], model(x)[:, : length // 2])
    assert not torch.allclose(model(edited)[:, length // 2 :], model(x)[:, length // 2 :])


@torch.no_grad()
def step_through(model: STTransformer, x: torch.Tensor) -> torch.Tensor:
    cache, outputs = model.start_cache(len(x)), []
    for frame in range(x.shape[1]):
        output, entry = model.step(x[:, frame], cache)
        cache = cache.append(entry)
        outputs.append(output)
    return torch.stack(outputs, dim=1)


@pytest.mark.parametrize("temporal_every", [0, 1, 2])
@pytest.mark.parametrize("window", [1, 2, 5])
def test_the_cached_step_equals_the_full_pass_also_past_the_window(window, temporal_every):
    model, x = make(window, temporal_every), torch.randn(2, 13, 6, 16)
    torch.testing.assert_close(step_through(model, x), model(x), atol=1e-5, rtol=1e-4)


def test_a_frame_beyond_the_reach_of_all_layers_is_forgotten():
    model, x = make(window=2), torch.randn(1, 8, 6, 16)
    edited = x.clone()
    edited[:, 0] += 1.0  # 3 layers with one frame of past each reach 3 frames back
    torch.testing.assert_close(model(edited)[:, 4:], model(x)[:, 4:])


def test_appending_leaves_the_old_cache_as_it_was():
    model = make()
    cache = model.start_cache(1)
    before = cache.keys.clone()
    _, entry = model.step(torch.randn(1, 6, 16), cache)
    later = cache.append(entry)
    torch.testing.assert_close(cache.keys, before)
    assert later.keys.shape == cache.keys.shape and int(later.time) == 1 and int(cache.time) == 0


def test_rows_of_different_age_step_together_as_they_do_alone():
    model, x = make(window=3), torch.randn(1, 6, 6, 16)
    old = new = model.start_cache(1)
    for frame in range(5):
        old = old.append(model.step(x[:, frame], old)[1])
    both, _ = model.step(x[:, [5, 0]][0], KVCache.cat([old, new]))
    torch.testing.assert_close(both[:1], model.step(x[:, 5], old)[0])
    torch.testing.assert_close(both[1:], model.step(x[:, 0], new)[0])


def test_time_and_space_are_told_apart():
    """One sinusoidal table for both would make position (t, n) equal to (n, t)."""
    model = make(window=6)
    x = torch.randn(1, 6, 6, 16)
    swapped = model(x.transpose(1, 2)).transpose(1, 2)
    assert not torch.allclose(model(x), swapped, atol=1e-2)


def test_rotary_products_depend_on_the_difference_in_time_alone():
    q, k = torch.randn(1, 1, 1, 1, 8), torch.randn(1, 1, 1, 1, 8)

    def turned(x: torch.Tensor, time: int) -> torch.Tensor:
        return rotate(x, rotary(torch.tensor([[time]]), 8))

    def product(a: int, b: int) -> torch.Tensor:
        return (turned(q, a) * turned(k, b)).sum()

    torch.testing.assert_close(product(3, 1), product(1003, 1001), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(product(3, 1), product(4, 1))


def test_a_frame_that_is_not_committed_is_seen_by_itself_alone():
    times = torch.tensor([0, 1, 1, 2])
    mask = history_mask(times, torch.tensor([True, True, False, False]), window=8)
    assert mask.int().tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 1]]


def test_an_absurd_shape_is_refused():
    with pytest.raises(ValueError, match="num_layers must be in"):
        TransformerConfig(16, 0, 2, 8)
    with pytest.raises(ValueError, match="even"):
        TransformerConfig(16, 1, 2, 7)

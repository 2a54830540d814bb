import itertools

import pytest
import torch

from playworld.world.maskgit import confidence, decode_frame, frame_noise, halton_order, sample
from playworld.world.sampler_config import SamplerConfig, tokens_fixed

ORDERS = ["random", "halton", "confidence"]


def noise(rows=2, steps=4, N=24, frame=1):
    return frame_noise(torch.arange(rows), torch.full((rows,), frame), steps, N)


def decode(predict, sampler, grid=(4, 6), **changes):
    return decode_frame(predict, sampler, noise(steps=sampler.steps, **changes), grid)


def test_every_schedule_grows_and_ends_with_all_tokens():
    sizes = (1, 2, 3, 7, 16, 63, 64, 65, 100, 256, 1023, 1024)
    for steps, N in itertools.product(range(1, 65), sizes):
        fixed = [0, *(tokens_fixed(step, steps, N) for step in range(steps))]
        assert fixed[-1] == N and fixed == sorted(fixed), (steps, N)


def test_a_step_outside_the_schedule_is_refused():
    for step in (-1, 4):
        with pytest.raises(ValueError, match=r"step must be in \[0, 4\)"):
            tokens_fixed(step, 4, 10)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("steps", [1, 4, 13, 26, 64])
def test_each_refinement_hides_what_the_schedule_says_and_sees_what_was_decided(order, steps):
    seen = []

    def predict(tokens, hidden):
        seen.append((tokens.clone(), hidden.clone()))
        return torch.randn(2, 24, 32, generator=torch.Generator().manual_seed(len(seen)))

    final = decode(predict, SamplerConfig(steps, 1.0, order))
    counts = sorted({0, *(tokens_fixed(step, steps, 24) for step in range(steps))})
    assert [(24 - h.sum(1)).tolist() for _, h in seen] == [[c, c] for c in counts[:-1]]
    for tokens, hidden in seen:
        assert torch.equal(tokens[~hidden], final[~hidden])


@pytest.mark.parametrize("order", ORDERS)
def test_later_tokens_answer_to_earlier_ones(order):
    def predict(tokens, hidden):
        """Everything hidden: the token is a draw. Something decided: one more than its largest."""
        if bool(hidden.all()):
            return torch.zeros(*tokens.shape, 32)
        largest = tokens.masked_fill(hidden, 0).amax(1, keepdim=True)
        following = ((largest + 1) % 32).expand_as(tokens)
        return torch.nn.functional.one_hot(following, 32) * 1000.0

    tokens = decode(predict, SamplerConfig(2, 1.0, order))
    first = tokens_fixed(0, 2, 24)
    for row in tokens:
        values, counts = row.unique(return_counts=True)
        assert counts[values == (row.sort().values[:first].max() + 1)].item() >= 1
        assert counts.max().item() >= 24 - first


def entropy(temperature):
    logits = torch.randn(1, 1, 16, generator=torch.Generator().manual_seed(0)).expand(1, 4096, 16)
    drawn = sample(logits, temperature, noise(1, 1, 4096)[:, 0, 0])
    share = torch.bincount(drawn.flatten(), minlength=16) / 4096
    return float(-(share * share.clamp_min(1e-9).log()).sum())


def test_a_higher_temperature_means_more_entropy():
    measured = [entropy(t) for t in (0.0, 0.25, 0.5, 1.0, 2.0, 100.0)]
    assert all(low + 0.1 < high for low, high in zip(measured, measured[1:], strict=False))
    assert measured[0] == 0 and measured[-1] > 2.7  # ln 16 = 2.77


def test_samples_follow_the_distribution():
    chances = torch.tensor([0.5, 0.0, 0.3, 0.2, 0.0])
    drawn = sample(chances.log().expand(1, 20_000, 5), 1.0, noise(1, 1, 20_000)[:, 0, 0])
    share = torch.bincount(drawn.flatten(), minlength=5) / 20_000
    torch.testing.assert_close(share, chances, atol=0.015, rtol=0)
    assert share[1] == share[4] == 0


@pytest.mark.parametrize("temperature", [0.0, 1e-300, 1e-46, 1e-30, 1e-6])
def test_towards_temperature_0_the_likeliest_token_is_taken(temperature):
    logits = torch.randn(2, 24, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(sample(logits, temperature, noise()[:, 0, 0]), logits.argmax(-1))


@pytest.mark.parametrize("uniform", [2.0**-24, 1 - 2.0**-24])
def test_the_ends_of_the_uniform_numbers_pick_a_possible_token(uniform):
    logits = torch.tensor([-torch.inf, 0.0, 5.0, -torch.inf]).expand(1, 1, 4)
    token = sample(logits, 1.0, torch.full((1, 1), uniform))
    assert token.item() == (1 if uniform < 0.5 else 2)


@pytest.mark.parametrize("temperature", [0.01, 0.1, 1.0])
def test_cutting_off_denormal_numbers_changes_no_token(temperature):
    torch.manual_seed(0)
    logits, uniform = 5 * torch.randn(1, 4096, 64), noise(1, 1, 4096)[:, 0, 0]
    shares = ((logits - logits.amax(-1, keepdim=True)) / temperature).exp().cumsum(-1)
    wanted = torch.searchsorted(shares, uniform[..., None] * shares[..., -1:])[..., 0]
    assert torch.equal(sample(logits, temperature, uniform), wanted)


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (8, 8), (23, 40)])
def test_halton_order_visits_every_cell_once(size):
    height, width = size
    assert sorted(halton_order(height, width).tolist()) == list(range(height * width))


@pytest.mark.parametrize("first", [16, 32])
def test_every_beginning_of_halton_order_covers_the_picture_evenly(first):
    cells = halton_order(16, 16)[:first]
    quarter = (cells // 16 // 8) * 2 + (cells % 16 // 8)
    assert torch.bincount(quarter, minlength=4).sub(first // 4).abs().max() <= first // 16


def test_random_order_differs_between_rows_and_frames():
    def hidden_after_one(frame):
        states = []

        def predict(tokens, hidden):
            states.append(hidden)
            return torch.zeros(2, 24, 32)

        decode(predict, SamplerConfig(2, 1.0, "random"), frame=frame)
        return states[1]

    one, two = hidden_after_one(1), hidden_after_one(2)
    assert not torch.equal(one[0], one[1]) and not torch.equal(one, two)


def test_without_noise_confidence_decides_the_surest_first():
    sure = torch.rand(2, 24, generator=torch.Generator().manual_seed(0)) * 10
    states = []

    def predict(tokens, hidden):
        states.append(hidden)
        return torch.nn.functional.one_hot(torch.full((2, 24), 3), 32) * sure[..., None]

    decode(predict, SamplerConfig(3, 0.0, "confidence", confidence_noise=0.0))
    decided = ~states[1]
    assert bool((sure[decided].view(2, -1).amin(1) > sure[~decided].view(2, -1).amax(1)).all())


def test_the_noise_on_confidence_falls_to_none_at_the_last_refinement(monkeypatch):
    scales = []

    def watched(logits, tokens, uniform, scale):
        scales.append(scale)
        return confidence(logits, tokens, uniform, scale)

    monkeypatch.setattr("playworld.world.maskgit.confidence", watched)
    decode(lambda tokens, hidden: torch.zeros(2, 24, 32), SamplerConfig(4, 1.0, "confidence"))
    assert scales == [4.5 * 0.75, 4.5 * 0.5, 4.5 * 0.25, 0.0]


def test_gumbel_noise_has_the_mean_and_spread_of_a_gumbel_distribution():
    uniform = noise(1, 1, 50_000)[:, 0, 1]
    logits, tokens = torch.zeros(1, 50_000, 1), torch.zeros(1, 50_000, dtype=torch.long)
    drawn = confidence(logits, tokens, uniform, 1.0)
    assert abs(drawn.mean() - 0.5772) < 0.02 and abs(drawn.std() - 1.2825) < 0.02


def test_noise_is_uniform_and_never_0_or_1():
    numbers = frame_noise(torch.arange(200), torch.full((200,), 3), 8, 64)
    assert numbers.min() > 0 and numbers.max() < 1
    counts = torch.histc(numbers, 20, 0, 1) / numbers.numel()
    torch.testing.assert_close(counts, torch.full((20,), 0.05), atol=0.002, rtol=0)


def test_noise_belongs_to_its_seed_and_frame_and_not_to_the_batch():
    seeds, frames = torch.tensor([5, 6, 5, -1]), torch.tensor([1, 1, 2, 2**40])
    together = frame_noise(seeds, frames, 4, 24)
    for row in range(4):
        alone = frame_noise(seeds[row : row + 1], frames[row : row + 1], 4, 24)
        assert torch.equal(alone[0], together[row])
    assert torch.corrcoef(together.flatten(1)).fill_diagonal_(0).abs().max() < 0.3


@pytest.mark.parametrize(
    "wrong",
    [{"steps": 0}, {"steps": 1025}, {"temperature": -0.1}, {"temperature": float("nan")}]
    + [{"confidence_noise": -1.0}],
)
def test_a_sampler_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SamplerConfig(**wrong)

import pytest
import torch

from playworld.models.dynamics import Dynamics, DynamicsConfig
from playworld.models.st_transformer import TransformerConfig

K, N, E = 11, 5, 3

every_input = pytest.mark.parametrize("action_input", ["add", "prepend", "concat"])


def make(window: int = 4, action_input: str = "add") -> Dynamics:
    torch.manual_seed(0)
    shape = TransformerConfig(16, 2, 2, 8, window=window)
    return Dynamics(DynamicsConfig(N, K, E, shape, action_input)).eval()


def clip(length: int = 8) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(K, (2, length, N), generator=generator)
    hidden = torch.rand(2, length, N, generator=generator) < 0.5
    return tokens, hidden, torch.randn(2, length - 1, E, generator=generator)


@torch.no_grad()
def test_a_later_frame_never_changes_an_earlier_output():
    model, (tokens, _, actions) = make(), clip()
    nothing = torch.zeros_like(tokens, dtype=torch.bool)
    edited = tokens.clone()
    edited[:, 5] = (edited[:, 5] + 1) % K
    for history in (False, True):
        before = model(tokens, nothing, actions, tokens if history else None)
        after = model(edited, nothing, actions, edited if history else None)
        torch.testing.assert_close(after[:, :4], before[:, :4])
        assert not torch.allclose(after[:, 4], before[:, 4])


@torch.no_grad()
@every_input
def test_an_action_conditions_the_frame_it_leads_to_and_none_before(action_input):
    model, (tokens, hidden, actions) = make(action_input=action_input), clip()
    other = actions.clone()
    other[:, 3] += 1
    for history in (None, tokens):
        before, after = (model(tokens, hidden, a, history) for a in (actions, other))
        torch.testing.assert_close(after[:, :3], before[:, :3])
        assert not torch.allclose(after[:, 3], before[:, 3])


@torch.no_grad()
def test_a_hidden_token_is_never_seen():
    model, (tokens, hidden, actions) = make(), clip()
    other = torch.where(hidden, (tokens + 1) % K, tokens)
    torch.testing.assert_close(model(other, hidden, actions), model(tokens, hidden, actions))


@torch.no_grad()
def test_all_tokens_of_a_place_are_hidden_together_and_each_is_seen():
    torch.manual_seed(0)
    model = Dynamics(DynamicsConfig(2 * N, K, E, TransformerConfig(16, 2, 2, 8), factors=2)).eval()
    tokens, hidden = torch.randint(K, (1, 2 * N)), torch.tensor([[False, True, True, True, True]])
    seen = model.embed_tokens(tokens, hidden)
    for number in range(2 * N):
        other = tokens.clone()
        other[:, number] = (other[:, number] + 1) % K
        assert torch.equal(model.embed_tokens(other, hidden), seen) == (number >= 2)
    assert model(tokens[None], hidden[None], torch.zeros(1, 0, E)).shape == (1, 0, N, 2 * K)


@torch.no_grad()
@every_input
def test_with_history_a_frame_is_trained_as_it_is_played(action_input):
    """Every frame of the training pass equals a cached step after its true past."""
    model, (tokens, hidden, actions) = make(3, action_input), clip()
    trained = model(tokens, hidden, actions, history=tokens)
    cache, nothing = model.start_cache(2), torch.zeros(2, N, dtype=torch.bool)
    for t in range(tokens.shape[1]):
        action = actions[:, t - 1] if t else None
        if t:
            played, _ = model.step(tokens[:, t], hidden[:, t], action, cache)
            torch.testing.assert_close(played, trained[:, t - 1], atol=1e-5, rtol=1e-4)
        _, entry = model.step(tokens[:, t], nothing, action, cache)
        cache = model.append(cache, entry)


@torch.no_grad()
@every_input
def test_the_cached_step_equals_the_full_pass(action_input):
    model, (tokens, _, actions) = make(action_input=action_input), clip(12)
    nothing = torch.zeros_like(tokens, dtype=torch.bool)
    full, cache = model(tokens, nothing, actions), model.start_cache(2)
    for t in range(12):
        action = actions[:, t - 1] if t else None
        logits, entry = model.step(tokens[:, t], nothing[:, t], action, cache)
        cache = model.append(cache, entry)
        if t:
            torch.testing.assert_close(logits, full[:, t - 1], atol=1e-5, rtol=1e-4)


def test_the_mask_is_no_real_token():
    model = make()
    assert model.embed.num_embeddings == K + 1 and model.head.out_features == K

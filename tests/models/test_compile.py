"""The models compile without graph breaks, as one graph for training and one for play."""

import jaxtyping
import pytest
import torch
from torch._dynamo.testing import CompileCounter

from playworld.models.actions import LatentActionModel
from playworld.models.dynamics import Dynamics
from playworld.models.tokenizer import VideoTokenizer
from playworld.presets import preset
from tests.processes import start

pytestmark = pytest.mark.slow
TINY = preset("tiny")


@pytest.fixture(autouse=True)
def as_users_have_it():
    """Without the checks of shapes that the tests switch on, and with nothing compiled before."""
    torch._dynamo.reset()
    torch.manual_seed(0)
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def compiled(function):
    """One graph or an error; run as it is, so that no compiler is needed."""
    counter = CompileCounter()
    return torch.compile(function, backend=counter, fullgraph=True, dynamic=False), counter


@pytest.mark.parametrize("masking", ["paper", "history"])
def test_the_training_pass_of_the_dynamics_is_one_graph(masking):
    model = Dynamics(TINY.dynamics)
    N, K, E = TINY.dynamics.num_tokens, TINY.dynamics.num_codes, TINY.dynamics.action_size
    tokens, hidden = torch.randint(K, (2, 8, N)), torch.rand(2, 8, N) < 0.5
    given = [tokens, hidden, torch.randn(2, 7, E)] + [tokens] * (masking == "history")
    fast, counter = compiled(model)
    torch.testing.assert_close(fast(*given), model(*given))
    fast(*given).sum().backward()
    assert counter.frame_count == 1 and model.head.weight.grad is not None


@pytest.mark.parametrize("half", ["tokenizer", "actions"])
def test_the_training_passes_of_tokenizer_and_latent_actions_are_one_graph(half):
    video = torch.rand(2, 4, 64, 64, 3)
    if half == "tokenizer":
        model = VideoTokenizer(TINY.tokenizer)
        fast, counter = compiled(lambda v: model.pixels(model.latents(v)))
    else:
        model = LatentActionModel(TINY.actions)
        fast, counter = compiled(lambda v: model.decoder(v[:, :-1], model.encoder(v)))
    fast(video).sum().backward()
    assert counter.frame_count == 1


def play() -> None:
    """More frames than the window has, in one graph."""
    dynamics, tokenizer = Dynamics(TINY.dynamics).eval(), VideoTokenizer(TINY.tokenizer).eval()
    N, E = TINY.dynamics.num_tokens, TINY.dynamics.action_size

    @torch.no_grad()
    def refine(tokens, hidden, action, memory, decoder):
        logits, entry = dynamics.step(tokens, hidden, action, memory)
        picture, decoder = tokenizer.decode_step(tokens, decoder)
        return logits, dynamics.append(memory, entry), picture, decoder

    fast, counter = compiled(refine)
    memory, decoder = dynamics.start_cache(1), tokenizer.start_cache(1)
    shown = torch.zeros(1, N, dtype=torch.bool)
    for _ in range(TINY.dynamics.transformer.window + 2):
        given = torch.randint(64, (1, N)), shown, torch.randn(1, E), memory, decoder
        wanted = refine(*given)
        logits, memory, picture, decoder = fast(*given)
        torch.testing.assert_close((logits, picture), (wanted[0], wanted[2]))
    assert counter.frame_count == 1


def test_a_frame_of_play_is_one_graph_however_old_the_session():
    """In a process of its own: what checks shapes in the tests also wraps the cache's classes."""
    process = start(play)
    process.join(timeout=280)
    assert process.exitcode == 0

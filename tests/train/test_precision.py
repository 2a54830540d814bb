"""What a GPU computes in bfloat16, as far as a CPU can show it: its autocast has the same rules."""

import pytest
import torch

from playworld.models.quantizer import QuantizerConfig, VectorQuantizer
from playworld.presets import preset
from playworld.train import precision
from playworld.train.objectives import Batch, Objective, TokenizerObjective, WorldObjective
from playworld.train.optim import StageConfig, make_optimizers
from playworld.train.precision import choose_precision
from playworld.world.world import World

TINY = preset("tiny")


def batch() -> Batch:
    draw = torch.Generator().manual_seed(0)
    video = torch.randint(256, (2, 8, 64, 64, 3), dtype=torch.uint8, generator=draw)
    return Batch(video, None, 0.0, (1, 2), draw, 2)


def objective(stage: str, world: World) -> Objective:
    if stage == "tokenizer":
        return TokenizerObjective(world.tokenizer, TINY.tokenizer_loss).train()
    loss = TINY.world_loss
    return WorldObjective(world.actions, world.dynamics, world.tokenizer, loss).train()


@pytest.mark.parametrize("stage", ["tokenizer", "world"])
def test_a_step_in_bfloat16_is_that_in_float32_but_for_rounding(stage, tiny_world):
    losses = []
    for half in (False, True):
        learner = objective(stage, World.load(tiny_world))
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss, _ = learner(batch())
        loss.backward()
        assert all(p.dtype == p.grad.dtype == torch.float32 for p in learner.parameters())
        for optimizer in make_optimizers(learner, StageConfig(1, 2, 8, 1e-3, muon_rate=1e-3)):
            optimizer.step()
        learner.update_codebook(torch.Generator().manual_seed(0), 1.0)
        assert all(t.isfinite().all() for t in learner.state_dict().values())
        losses.append(loss.item())
    assert losses[1] == pytest.approx(losses[0], rel=0.02) and losses[1] != losses[0]


def test_codes_are_chosen_in_float32():
    """Codes lie closer together than bfloat16 can tell."""
    torch.manual_seed(0)
    book, z = VectorQuantizer(QuantizerConfig(1024, 16)), torch.randn(500, 16)
    with torch.autocast("cpu", torch.bfloat16):
        half = book.nearest(z)
    assert torch.equal(half, book.nearest(z))


def test_a_world_of_half_precision_plays_in_half_the_memory(tiny_world):
    whole, half = World.load(tiny_world), World.load(tiny_world).half()
    (_, picture), *_ = whole.prompts()
    shown = []
    for world in (whole, half):
        _, state = world.start(picture[None, None], seeds=[0])
        frame, state = world.step(state, [1])
        same = world.replay(state, torch.arange(16)[None] * 4, [2])[0]  # whatever was drawn before
        shown.append(same.float())
        assert frame.dtype == torch.uint8
    assert 2 * state.memory.keys.itemsize == whole.dynamics.head.weight.itemsize
    assert (shown[0] - shown[1]).abs().mean() < 3 and not torch.equal(*shown)


def test_a_world_plays_in_bfloat16(tiny_world):
    world = World.load(tiny_world)
    (_, picture), *_ = world.prompts()
    with torch.autocast("cpu", torch.bfloat16):
        _, state = world.start(picture[None, None], seeds=[0])
        for action in range(3):
            frame, state = world.step(state, [action])
    assert frame.shape == (1, world.height, world.width, 3) and state.frame.tolist() == [3]


def test_the_faster_precision_is_taken_on_a_cpu_and_what_is_asked_for_anywhere(monkeypatch):
    cpu = torch.device("cpu")
    assert choose_precision("bf16", cpu) == "bf16" and choose_precision("fp32", cpu) == "fp32"
    speedup = precision.bf16_speedup()
    for share, taken in ((0.9, "bf16"), (1.1, "fp32")):
        monkeypatch.setattr(precision, "WORTH_IT", share * speedup)
        assert choose_precision("auto", cpu) == taken
    assert choose_precision("auto", torch.device("cuda")) == "bf16"

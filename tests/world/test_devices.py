"""What a device must be able to do: Apple's GPUs have no numbers of 64 bits but integers."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from playworld.train.objectives import TokenizerLoss, TokenizerObjective, WorldLoss, WorldObjective
from playworld.train.objectives.objective import Batch
from playworld.world import SamplerConfig
from playworld.world.maskgit import halton_order


class NoDoubles(TorchDispatchMode):
    """Refuses operations that give float64 or complex numbers."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for tensor in torch.utils._pytree.tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                assert tensor.dtype != torch.float64 and not tensor.is_complex(), function
        return made


@pytest.mark.parametrize("order", ["random", "halton", "confidence"])
def test_playing_needs_no_double_precision(order, world, images):
    halton_order(*world.config.tokenizer.grid)  # computed once, by the processor
    with NoDoubles():
        _, state = world.start(images, [1, 2, 3])
        frames, _ = world.step(state, [0, 1, 2], SamplerConfig(order=order))
        world.infer_actions(images)
        world.reconstruct(images)
    assert frames.dtype == torch.uint8


def test_training_needs_no_double_precision(world, images):
    batch = Batch(images, None, 0.5, (1, 2, 3), torch.Generator().manual_seed(0), 3)
    stages = (
        lambda: TokenizerObjective(world.tokenizer, TokenizerLoss()),
        lambda: WorldObjective(world.actions, world.dynamics, world.tokenizer, WorldLoss()),
    )
    for make in stages:
        objective = make().train()
        with NoDoubles():
            loss, _ = objective(batch)
            loss.backward()
        assert torch.isfinite(loss)

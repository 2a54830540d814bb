"""A recipe fitted to the machine that trains it: its batch grows with the memory of a GPU."""

from dataclasses import replace

import torch

from playworld.train.recipe import Recipe
from playworld.workflows.options import TrainingPlanOptions
from playworld.workflows.plan import plan

LARGEST = 8
"""Most times that a batch grows. Beyond it the time is better spent on more steps."""
SHARE = 0.25
"""Of the memory that a plan may fill: it counts on activations being computed twice, `create` keeps
them, and PyTorch itself takes some."""


def gpu_memory(device: torch.device) -> int | None:
    """Bytes of memory of a GPU; None for a processor, and for a GPU that shares its memory."""
    if device.type != "cuda":
        return None
    return torch.cuda.get_device_properties(device).total_memory


def fitted(recipe: Recipe, memory: int | None) -> Recipe:
    """The recipe with as large batches as a GPU with so many bytes holds, up to `LARGEST` times.

    A processor takes the recipe as it is: cores add speed, and a step is long enough for them.
    """
    if memory is None:
        return recipe
    times = LARGEST
    while times > 1 and not _fits(_larger(recipe, times), memory):
        times //= 2
    return _larger(recipe, times)


def _larger(recipe: Recipe, times: int) -> Recipe:
    one, two = (
        replace(stage, batch_size=times * stage.batch_size)
        for stage in (recipe.tokenizer_stage, recipe.world_stage)
    )
    return replace(recipe, tokenizer_stage=one, world_stage=two)


def _fits(recipe: Recipe, memory: int) -> bool:
    stages = plan(recipe, TrainingPlanOptions()).stages
    whole = [stage.activations / stage.at_once * stage.clips for stage in stages]
    fixed = [stage.memory - stage.activations for stage in stages]
    return max(map(sum, zip(fixed, whole, strict=True))) <= SHARE * memory

import torch

from playworld.evaluate.agreement import agreement
from playworld.evaluate.movement import CLASSES, movement_classes
from playworld.evaluate.movement_groups import movement_groups

NINE = torch.tensor([(x, y) for x in (-3.0, 0.0, 3.0) for y in (-6.0, 0.0, 6.0)])


def drawn(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return NINE[torch.randint(9, (40, 20), generator=generator)]


def score(moved: torch.Tensor, groups: int) -> float:
    codes = movement_groups(moved, groups)
    return agreement(codes, movement_classes(moved), CLASSES, groups)["balanced"]


def test_as_many_groups_as_movements_tell_them_all_apart():
    assert score(drawn(), 9) == 1.0


def test_fewer_groups_than_classes_cannot_tell_all_apart():
    assert 0.6 < score(drawn(), 6) < 0.9


def test_groups_are_a_function_of_the_seed():
    moved = torch.randn(10, 20, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(movement_groups(moved, 8, seed=1), movement_groups(moved, 8, seed=1))


def test_a_picture_that_never_moves_is_one_group():
    assert movement_groups(torch.zeros(4, 5, 2), 8).unique().numel() == 1

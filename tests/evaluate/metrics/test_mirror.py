import torch

from playworld.evaluate.metrics.mirror import mirror_agreement


def test_codes_that_swap_under_the_mirror_agree():
    codes = torch.tensor([[0, 1, 2, 0], [1, 0, 2, 2], [0, 0, 1, 2], [2, 1, 0, 1]])
    swapped = torch.tensor([1, 0, 2])[codes]
    assert mirror_agreement(codes, swapped, 3).tolist() == [1.0] * 4


def test_codes_that_do_not_follow_the_mirror_agree_by_chance_alone():
    generator = torch.Generator().manual_seed(0)
    codes, other = (torch.randint(8, (40, 50), generator=generator) for _ in range(2))
    assert mirror_agreement(codes, other, 8).mean() < 0.2

import pytest
import torch

CLIPS, S, KINDS = 20, 30, 4


@pytest.fixture
def labels():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(KINDS, (CLIPS, S), generator=generator)


@pytest.fixture
def noise():
    return torch.randint(KINDS, (CLIPS, S), generator=torch.Generator().manual_seed(1))

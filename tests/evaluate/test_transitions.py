import torch

from playworld.evaluate.agreement import UNKNOWN
from playworld.evaluate.transitions import EFFECTIVE, effective_keys


def test_keys_merge_to_what_they_can_do():
    names = ("up", "right-up", "left", "none", "D")
    keys = torch.tensor([[0, 0, 0, 1, 2, 3, 4, 0], [1, 1, 1, 1, 1, 1, 1, UNKNOWN]])
    player = torch.zeros(2, 8, 2)
    player[1, :, 1] = 3.0  # in the air
    merged = effective_keys(keys, names, player)
    assert merged[:, :3].unique().tolist() == [UNKNOWN]
    first = [EFFECTIVE[k] for k in merged[0, 3:].tolist()]
    assert first == ["right-jump", "left", "none", "none", "jump"]
    assert [EFFECTIVE[k] for k in merged[1, 3:7].tolist()] == ["right"] * 4
    assert merged[1, 7] == UNKNOWN


def test_keys_without_directions_are_not_merged():
    assert effective_keys(torch.zeros(1, 4).long(), ("fire",), torch.zeros(1, 4, 2)) is None

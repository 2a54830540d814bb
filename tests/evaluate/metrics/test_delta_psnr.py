import torch

from playworld.evaluate.metrics.delta_psnr import control_actions, score_action_controls
from playworld.evaluate.rollouts import Rollouts


def test_shuffled_actions_are_the_neighbours_and_shifted_ones_come_a_frame_late():
    actions = torch.arange(10).reshape(2, 5)
    wrong = control_actions(actions, 3)
    assert wrong["shuffled"].tolist() == [[7, 8, 9], [2, 3, 4]]
    assert wrong["shifted"].tolist() == [[1, 2, 3], [6, 7, 8]]


def test_after_a_prompt_of_one_frame_the_first_action_comes_twice():
    assert control_actions(torch.tensor([[4, 5, 6]]), 3)["shifted"].tolist() == [[4, 4, 5]]


def test_an_arm_that_is_worse_scores_above_zero_and_one_that_is_equal_scores_zero(scroll):
    films = torch.stack([scroll([(3, 0)] * 5, seed=seed) for seed in range(4)])
    still = films[:, :1].expand_as(films)
    rollouts = Rollouts(films[:, :2], films[:, 2:], films[:, 2:], still[:, 2:])
    found = score_action_controls(rollouts, {"shuffled": still[:3, 2:], "shifted": films[:3, 2:]})
    assert found["clips"] == 3
    assert found["shuffled"]["1"]["low"] > 3
    assert found["shifted"]["4"] == {"mean": 0, "low": 0, "high": 0}


def test_no_arms_no_figures(scroll):
    films = torch.stack([scroll([(3, 0)] * 3)])
    assert (
        score_action_controls(Rollouts(films[:, :1], films[:, 1:], films[:, 1:], films[:, 1:]), {})
        is None
    )

import json

import pytest
import torch

from playworld.evaluate.heldout import read_held_out
from playworld.evaluate.metrics.steering import commands, measure_steering

WAYS = torch.tensor([(0.5, 0.0, 0.0), (0.0, -0.5, 0.0), (0.0, 0.3, 0.5), (0.0, 0.0, 0.0)])
NAMES = ("dx", "dy", "dz", "grip")


def commanded_by(codes: torch.Tensor, noise: float = 0.0) -> torch.Tensor:
    """Commands that lead where the codes say, with the fingers closed."""
    torch.manual_seed(0)
    ways = WAYS[codes] + noise * torch.randn(*codes.shape, 3)
    return torch.cat([ways, -torch.ones(*codes.shape, 1)], dim=2)


def random_codes(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(4, (30, 10), generator=generator)


def test_codes_that_are_the_command_explain_all_of_it_and_point_one_way():
    codes = random_codes()
    found = measure_steering(commanded_by(codes), NAMES, codes, 4)
    assert found["explained"]["mean"] == pytest.approx(1.0)
    assert found["consistency"]["mean"] == pytest.approx(1.0)
    assert [row["leads"] for row in found["codes"]] == ["+dx", "-dy", "+dy +dz", "stay"]
    assert [row["moves"] for row in found["codes"]] == [1, 1, 1, 0]
    assert found["codes"][3]["consistency"] is None


def test_codes_that_know_nothing_explain_no_more_than_strangers_codes():
    found = measure_steering(commanded_by(random_codes(1)), NAMES, random_codes(2), 4)
    for figure in (found["explained"], found["consistency"]):
        assert figure["low"] < figure["chance"] < figure["high"]
    assert found["explained"]["mean"] < 0.05


def test_noise_lowers_both_figures_and_the_interval_holds_what_other_clips_give():
    codes, other = random_codes(3), random_codes(4)
    found = measure_steering(commanded_by(codes, 0.2), NAMES, codes, 4)
    again = measure_steering(commanded_by(other, 0.2), NAMES, other, 4)
    assert 0.3 < found["explained"]["mean"] < 0.7
    assert found["explained"]["low"] < again["explained"]["mean"] < found["explained"]["high"]
    assert found["consistency"]["mean"] < 0.95


def test_fingers_have_a_share_of_their_own_but_no_direction():
    codes = random_codes()
    commanded = commanded_by(codes)
    commanded[..., 3] = torch.where(codes == 3, 1.0, -1.0)
    found = measure_steering(commanded, NAMES, codes, 4)
    assert found["ways"] == ["dx", "dy", "dz"]
    assert found["numbers"]["grip"]["mean"] == pytest.approx(1.0)
    assert found["codes"][3]["leads"] == "stay"


def test_a_number_that_never_changes_and_a_code_never_seen_have_no_figure():
    codes = random_codes().clamp(max=2)
    found = measure_steering(commanded_by(codes), NAMES, codes, 5)
    assert found["numbers"]["grip"]["mean"] is None
    assert found["codes"][4]["command"] is None and found["codes"][4]["share"] == 0


def test_transitions_about_which_nothing_is_known_are_left_out():
    codes = random_codes()
    commanded = commanded_by(codes)
    commanded[:, ::2] = torch.nan
    wrong = codes.clone()
    wrong[:, ::2] = 0
    found = measure_steering(commanded, NAMES, wrong, 4)
    assert (found["transitions"], found["explained"]["mean"]) == (150, pytest.approx(1.0))


def test_where_nothing_moves_nothing_is_measured():
    assert measure_steering(torch.zeros(4, 5, 4), NAMES, torch.zeros(4, 5).long(), 4) is None


def write_commands(held, rows, names=("dx", "dy")):
    for source in set(held.sources):
        keys = {"times": [0.05 * k for k in range(len(rows))], "actions": rows}
        path = (held.videos / source).with_suffix(".actions.json")
        path.write_text(json.dumps(keys | {"action_names": names}))


def test_the_command_of_a_transition_is_the_mean_of_those_within_it(clips):
    held = read_held_out(clips, num_clips=2, length=13, seed=3)
    write_commands(held, [[float(k), 1.0] for k in range(200)])
    commanded, names = commands(held)
    assert names == ("dx", "dy")
    for row, times in zip(commanded, held.times, strict=True):
        # Frames at 10 per second, commands at 20: those of 2k and 2k + 1 fall into transition k.
        expected = torch.tensor([20 * t + 0.5 for t in times[:-1]], dtype=row.dtype)
        torch.testing.assert_close(row[:, 0], expected, atol=1e-4, rtol=0)


def test_time_without_a_command_is_not_known_and_keys_are_no_commands(clips):
    held = read_held_out(clips, num_clips=2, length=13, seed=3)
    write_commands(held, [[1.0, 1.0]])
    commanded, _ = commands(held)
    assert commanded.isnan().any() and commanded[~commanded.isnan()].numel() <= 4
    write_commands(held, [0, 1, 0])
    assert commands(held) is None

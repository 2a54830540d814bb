import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch

from playworld.agents.arena import Arena, ArenaOptions, Step
from playworld.agents.dictionary import Dictionary
from playworld.agents.moves import MOVES, NAMES
from playworld.agents.policy import NETWORKS, Policy, PolicyConfig
from playworld.agents.trial import play_games, policy_player, random_player, steady_player

RIGHT_UP = MOVES[NAMES.index("right-up")]


class Countdown:
    """Three games; number k is over after k + 2 presses, and won if the last was right-up."""

    games = 3

    def reset(self) -> np.ndarray:
        self.now, self.asked = 0, []
        return self.pictures()

    def pictures(self) -> np.ndarray:
        return np.full((3, 64, 64, 3), self.now, dtype=np.uint8)

    def step(self, actions: Sequence[int]) -> Step:
        self.now += 1
        self.asked.append(list(actions))
        lasts = np.arange(2, 5)
        won = (lasts == self.now) & (np.array(actions) == RIGHT_UP)
        return Step(self.pictures(), 10 * won.astype(np.float32), self.now >= lasts)


def test_games_are_counted_until_each_is_over():
    outcome = play_games(Countdown(), lambda seen: [RIGHT_UP] * len(seen))
    assert outcome.solved.tolist() == [True] * 3 and outcome.presses.tolist() == [2, 3, 4]
    assert outcome.travel is None


def test_a_game_without_the_coin_is_not_solved():
    def player(seen: np.ndarray) -> list[int]:
        return [RIGHT_UP if seen[0, -1, 0, 0, 0] == 2 else 4] * len(seen)

    assert play_games(Countdown(), player).solved.tolist() == [False, True, False]


def test_a_player_sees_the_newest_frames_of_the_games_that_go_on():
    shown = []

    def player(seen: np.ndarray) -> list[int]:
        shown.append(seen[:, :, 0, 0, 0].tolist())
        return [4] * len(seen)

    play_games(Countdown(), player, frames=3)
    assert shown == [[[0, 0, 0]] * 3, [[0, 0, 1]] * 3, [[0, 1, 2]] * 2, [[1, 2, 3]]]


def policy(meaning: str, choice: int) -> Policy:
    """One that always chooses the same, whatever it sees."""
    config = PolicyConfig("cnn", meaning, 6, 64, 64, 1)
    network = NETWORKS["cnn"](config)
    torch.nn.init.zeros_(network.head.weight)
    network.head.bias.data = torch.eye(6)[choice] * 50
    return Policy(config, network, {})


def test_choices_become_procgens_actions():
    seen = np.zeros((4, 1, 64, 64, 3), dtype=np.uint8)
    assert policy_player(policy("true", 3), None, seed=0)(seen) == [MOVES[3]] * 4
    meant = Dictionary(tuple((k,) for k in (5, 4, 3, 2, 1, 0)))
    assert policy_player(policy("latent", 1), meant, seed=0)(seen) == [MOVES[4]] * 4


def test_a_policy_of_latent_actions_needs_a_dictionary_and_the_other_none():
    with pytest.raises(ValueError, match="needs a dictionary"):
        policy_player(policy("latent", 1), None, seed=0)
    with pytest.raises(ValueError, match="needs a dictionary"):
        policy_player(policy("true", 1), Dictionary(((0,),) * 6), seed=0)


def test_temperature_0_takes_the_likeliest_and_1_draws():
    made, seen = policy("true", 0), np.zeros((300, 1, 64, 64, 3), dtype=np.uint8)
    made.network.head.bias.data = torch.log(torch.tensor([0.5, 0.3, 0.2, 1e-9, 1e-9, 1e-9]))
    drawn = policy_player(made, None, seed=0)(seen)
    shares = [drawn.count(MOVES[k]) / 300 for k in range(3)]
    assert shares == pytest.approx([0.5, 0.3, 0.2], abs=0.1)
    assert policy_player(made, None, seed=0, temperature=0)(seen) == [MOVES[0]] * 300


def test_in_the_real_game_holding_right_and_jump_travels_right_and_left_does_not():
    left, right = MOVES[NAMES.index("left")], MOVES[NAMES.index("right-up")]
    with closing(Arena(ArenaOptions(seed=2_000, games=4, max_steps=6))) as arena:
        runs = [play_games(arena, steady_player(move), travel=True) for move in (left, right)]
        again = play_games(arena, steady_player(right), travel=True)
        lost = play_games(arena, random_player(0))
    assert runs[1].travel.min() > 3 > 1 > np.abs(runs[0].travel).max()
    assert runs[1].travel.tolist() == again.travel.tolist()
    assert lost.presses.max() == 6 and lost.travel is None


@pytest.mark.slow
def test_the_example_of_the_documentation_runs_as_it_stands(expert, tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[2] / "docs/agents.md").read_text()
    example = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0]
    network = NETWORKS["cnn"](config := PolicyConfig("cnn", "latent", 8, 64, 64, 2))
    Policy(config, network, {}).save(tmp_path / "policy")
    (tmp_path / "expert-clips").symlink_to(expert)
    monkeypatch.chdir(tmp_path)
    exec(example.replace("games=100", "games=2, max_steps=3"), {})
    assert 0 <= float(capsys.readouterr().out) <= 1

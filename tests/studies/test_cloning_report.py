import numpy as np
import pytest

from playworld.studies.cloning_figure import draw_cloning
from playworld.studies.cloning_report import format_scores, scores
from playworld.studies.plot_axes import COLOURS


def result(arm, seed, share, samples=None, difficulty="easy"):
    solved = [1] * round(100 * share) + [0] * round(100 * (1 - share))
    made = {"difficulty": difficulty, "arm": arm, "samples": samples, "seed": seed}
    return made | {"solved": solved, "presses": list(range(1, 101))}


def whole(latent=(0.78, 0.82), oracle=(0.79, 0.81), difficulty="easy"):
    made = [
        result("oracle", seed, share, difficulty=difficulty) for seed, share in enumerate(oracle)
    ]
    made += [result("latent", s, share, 200, difficulty) for s, share in enumerate(latent)]
    made += [result("latent", s, share, 0, difficulty) for s, share in enumerate((0.2, 0.4))]
    return made + [result("random", s, 0.3, difficulty=difficulty) for s in range(2)]


def test_an_interval_is_students_over_seeds():
    (score,) = scores([result("oracle", seed, x) for seed, x in enumerate((0.7, 0.8, 0.9))])
    half = 4.303 * 0.1 / np.sqrt(3)
    assert score.mean == pytest.approx(0.8)
    assert score.interval == pytest.approx((0.8 - half, 1.0))


def test_with_one_seed_nothing_is_known():
    (score,) = scores([result("oracle", 0, 0.5)])
    assert score.interval == (0.0, 1.0)


def test_presses_are_those_of_games_that_were_solved():
    (score,) = scores([result("oracle", 0, 0.11)])
    assert score.presses == 6  # 1 to 11 were solved
    assert np.isnan(scores([result("oracle", 0, 0.0)])[0].presses)


def test_what_is_solved_soon_is_counted_apart():
    slow = result("random", 0, 0.5) | {"presses": [100] * 20 + [400] * 80}
    (score,) = scores([slow])
    assert (score.mean, score.soon) == (0.5, 0.2)


def test_the_table_goes_from_random_to_the_oracle_for_each_difficulty():
    table = format_scores(scores(whole() + whole(difficulty="hard")))
    names = [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")]
    half = ["random moves", "latent policy, a random map"]
    half += ["latent policy, 200 labelled transitions", "oracle, cloned on true actions"]
    assert names == ["easy levels", *half, "hard levels", *half]
    assert "| oracle, cloned on true actions | 80.0% |" in table


@pytest.mark.parametrize(
    ("latent", "word"),
    [((0.79, 0.81), "within"), ((0.5, 0.5), "outside"), ((0.99, 0.99), "above")],
)
def test_the_verdict_says_where_the_latent_policy_stands(latent, word):
    table = format_scores(scores(whole(latent)))
    assert f"With 200 labels the latent policy is {word} the oracle's interval." in table
    assert "The oracle solves 2.67 times as many levels as random moves." in table


def test_arms_are_compared_level_by_level_where_their_intervals_overlap():
    wide = whole(latent=(0.48, 0.68, 0.88), oracle=(0.50, 0.71, 0.92))
    table = format_scores(scores(wide))
    assert "the latent policy is within the oracle's interval." in table
    assert "+3.0 points (95% interval +0.5 to +5.5 over 3 seeds), they differ." in table
    same = format_scores(scores(whole(latent=(0.5, 0.9), oracle=(0.6, 0.7))))
    assert "-5.0 points" in same and "no difference is shown." in same


def test_seeds_are_paired_by_their_number():
    made = [result("oracle", seed, 0.5 + seed / 10) for seed in (2, 0, 1)]
    made += [result("latent", seed, 0.4 + seed / 10, 50) for seed in (1, 2, 3)]
    table = format_scores(scores([*made, result("latent", 0, 0.9, 1000)]))
    assert "with 50 labels: +10.0 points (95% interval +10.0 to +10.0 over 2 seeds)" in table


def test_where_random_moves_solve_nothing_they_are_not_divided_by():
    table = format_scores(scores([result("oracle", 0, 0.25), result("random", 0, 0.0)]))
    assert table.endswith("Random moves solve no level.")


def test_the_figure_has_a_panel_for_each_difficulty():
    one, two = (draw_cloning(scores(w)) for w in (whole(), whole() + whole(difficulty="hard")))
    axes = (0, 100, 620, 480)  # below the title
    assert two.size == (2 * 620, 480) and one.crop(axes).tobytes() == two.crop(axes).tobytes()


def test_a_higher_score_is_drawn_higher():
    def top(share: float) -> int:
        pixels = np.asarray(draw_cloning(scores(whole((share, share)))))[64:408]
        return int((pixels == COLOURS[0]).all(axis=-1).any(axis=1).argmax())

    assert top(0.95) < top(0.75) < top(0.55)

import numpy as np
import pytest

from playworld.studies.plot_axes import Panel, short
from playworld.studies.scale import MARKS, ScaleOptions
from playworld.studies.scale_figure import curve_colours, draw_scale
from playworld.studies.scale_report import format_scale, law_in_words, summarise

OPTIONS = ScaleOptions(sizes=("48x2", "96x2", "144x3", "192x4"), batches=(4, 8), tokens=1_600)
PARAMETERS = {"48x2": 1e5, "96x2": 4e5, "144x3": 1e6, "192x4": 3e6}


def row(size: str, batch: int, seed: int = 0) -> dict:
    """A row whose loss is a sum of laws: 100 (parameters)^-0.4 + 20 (tokens)^-0.5 + 1."""
    rng = np.random.default_rng(len(size) + int(size[:2]) + batch + seed)
    count, points = PARAMETERS[size], []
    for share in MARKS:
        tokens = share * OPTIONS.tokens
        loss = 100 * count**-0.4 + 20 * tokens**-0.5 + 1 + 0.02 * (batch == 8)
        losses = (loss * (1 + 0.02 * rng.standard_normal(12))).tolist()
        points.append({"tokens": int(tokens), "flops": 6 * count * tokens, "losses": losses})
    return {"size": size, "batch_size": batch, "seed": seed, "parameters": int(count),
            "steps": 16, "minutes": 2.0, "points": points}  # fmt: skip


EVERY = [row(size, 4) for size in PARAMETERS] + [row("144x3", 8)]


def test_laws_are_fitted_through_the_right_points():
    found = summarise(EVERY, OPTIONS)
    assert [run.size for run in found.family] == list(PARAMETERS)
    assert [run.batch_size for run in found.batches] == [4, 8]
    assert found.parameters is not None and found.parameters.range == (1e5, 3e6)
    assert found.tokens is not None and found.tokens.range == (100, 1_600)
    _, low, high = found.tokens.exponent()
    assert low <= 0.5 <= high
    assert found.flops is not None and (np.diff(found.flops.y) < 0).all()


def test_the_law_of_operations_goes_through_the_best_of_all_rows_batches_included():
    better = row("144x3", 8)
    better["points"] = [p | {"losses": [x - 0.5 for x in p["losses"]]} for p in better["points"]]
    with_batches = summarise([*EVERY[:4], better], OPTIONS).flops
    assert with_batches is not None
    assert np.mean(better["points"][-1]["losses"]) == pytest.approx(with_batches.y.min())


def test_rows_of_another_seed_that_few_have_are_left_out_of_the_laws():
    more = summarise([*EVERY, row("48x2", 4, seed=1)], OPTIONS)
    assert (more.parameters.y == summarise(EVERY, OPTIONS).parameters.y).all()


def test_the_report_stands_beside_the_paper_and_says_what_one_seed_leaves_out():
    text = format_scale(summarise(EVERY, OPTIONS), OPTIONS)
    assert "41M, 96M, 192M, 404M, 811M, 1.6B, 2.7B parameters, 2.05e+20 to 6.91e+21" in text
    assert "One seed" in text
    twice = [row(size, 4, seed) for size in PARAMETERS for seed in (0, 1)]
    assert "One seed" not in format_scale(summarise(twice, OPTIONS), OPTIONS)


def test_the_table_has_every_row_and_says_which_were_not_run():
    text = format_scale(summarise(EVERY[:3], OPTIONS), OPTIONS)
    assert text.count("not run") == 2 and "| 144x3 | 1M | 4 | 1 |" in text
    assert "| 192x4 | | 4 | not run |" in text
    assert "parameters: too few different points" in text


def test_a_law_names_its_range_and_what_lies_beyond():
    text = law_in_words("parameters", summarise(EVERY, OPTIONS).parameters)
    assert "from 100k to 3M (4 points)" in text and "30M, it says" in text and "guess" in text


@pytest.mark.parametrize("made", [EVERY, EVERY[:1], EVERY[:3]], ids=["whole", "begun", "half"])
def test_it_is_drawn_however_much_was_run(made):
    image = draw_scale(summarise(made, OPTIONS))
    dark = np.asarray(image.convert("L")) < 128
    assert image.size == (1240, 960) and dark[:480, :620].sum() > 500


def test_every_curve_is_drawn_however_many_sizes_there_are():
    many = [row("48x2", 4) | {"size": f"{48 * k}x2", "parameters": k * 100_000}
            for k in range(1, 10)]  # fmt: skip
    image = draw_scale(summarise(many, OPTIONS))
    drawn = {tuple(colour) for colour in np.asarray(image)[:480, :620].reshape(-1, 3)}
    assert len(set(curve_colours(9))) == 9 and set(curve_colours(9)) <= drawn


def test_points_are_placed_by_factors():
    panel = Panel("title", "x", (1, 10_000), (0, 10))
    (left, _), (middle, half), (right, _) = (panel.place((x, 5)) for x in (1, 100, 10_000))
    assert middle == pytest.approx((left + right) / 2)
    assert panel.place((1, 10))[1] < half < panel.place((1, 0))[1]


def test_counts_are_short():
    assert [short(x) for x in (159_000, 5.6e6, 2e9, 3.2e13, 12)] == [
        "159k",
        "5.6M",
        "2B",
        "3.2e13",
        "12",
    ]

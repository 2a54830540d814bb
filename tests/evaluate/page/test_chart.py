import re

import pytest

from playworld.evaluate.page.chart import Curve, chart


def points(svg):
    line = re.search(r'<polyline points="([^"]+)" class="line"', svg.split("</ul>")[1]).group(1)
    return [tuple(map(float, point.split(","))) for point in line.split()]


def test_a_higher_figure_is_drawn_higher_and_a_later_frame_further_right():
    drawn = points(chart("PSNR", "dB", [Curve("a", {"1": 10.0, "2": 20.0, "3": 15.0})]))
    (x1, y1), (x2, y2), (x3, y3) = drawn
    assert x1 < x2 < x3
    assert y2 < y3 < y1


def test_every_point_tells_its_figure_with_the_interval():
    band = {"1": {"mean": 1.0, "low": 0.5, "high": 1.5}}
    assert "a, frame 1: 1.00 dB [0.50, 1.50]" in chart("b", "dB", [Curve("a", {"1": 1.0}, band)])


def test_figures_that_are_missing_are_left_out_and_none_at_all_draw_nothing():
    assert len(points(chart("b", "", [Curve("a", {"1": 1.0, "2": None, "3": 2.0})]))) == 2
    assert chart("b", "", [Curve("a", {"1": None})]) == ""


@pytest.mark.parametrize("values", [{"1": 3.0}, {"1": 0.0, "2": 0.0}, {"1": -1e-9, "2": 1e9}])
def test_any_range_can_be_drawn(values):
    drawn = points(chart("b", "", [Curve("a", values)]))
    assert all(0 <= x <= 560 and 0 <= y <= 270 for x, y in drawn)


def test_a_mark_stands_only_within_the_frames():
    curves = [Curve("a", {str(k): 1.0 * k for k in range(1, 17)})]
    assert "full" in chart("b", "", curves, {12.5: "full"})
    assert "full" not in chart("b", "", curves, {40.5: "full"})

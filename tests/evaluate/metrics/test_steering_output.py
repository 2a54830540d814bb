import torch

from playworld.evaluate.metrics.steering import arrow, measure_steering, rows, steering

NAMES = ("dx", "dy", "dz", "grip")
WAYS = torch.tensor([(0.5, 0.0, 0.0, 1.0), (0.0, -0.5, 0.0, 1.0), (0.0, 0.0, 0.5, -1.0)])


def found() -> dict:
    codes = torch.arange(40).remainder(3).reshape(4, 10)
    return measure_steering(WAYS[codes], NAMES, codes, 4)


def report(steered: dict | None) -> dict:
    return {"control": {"steering": steered}}


def test_the_page_has_a_row_with_an_arrow_for_every_button():
    page = steering(report(found()), {})
    for cell in ("→</span>1", "↓</span>2", "▲</span>3", "+dx", "-dy", "+dz"):
        assert cell in page
    assert page.count('<th scope="row">') == 4 + 1 + 4  # buttons, the way, its four numbers


def test_a_world_without_such_actions_has_no_such_section():
    assert steering(report(None), {}) == "" and list(rows(report(None))) == []


def test_an_arrow_leads_where_the_two_first_directions_go_seen_from_above():
    rows = {"+dx +dy": "↗", "-dx -dz": "←▼", "-dy": "↓", "-dz": "▼", "stay": "•"}
    for leads, drawn in rows.items():
        assert arrow({"leads": leads}, ["dx", "dy", "dz"]) == drawn
    assert arrow({"leads": "+dx"}, ["dx"]) == "→" and arrow({"leads": None}, ["dx"]) == ""


def test_the_terminal_names_where_each_code_leads():
    assert list(rows(report(found())))[-1][:2] == ("  codes lead", "+dx, -dy, +dz, -")

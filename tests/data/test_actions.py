import json

import pytest

from playworld.config import InputError
from playworld.data.record.actions import Actions, ContinuousActions, as_json, read_actions

KEYS = Actions((0.0, 0.05, 0.1), (1, 0, 1), ("left", "right"))
NUMBERS = ContinuousActions((0.0, 0.1), ((0.5, -1.0), (0.25, 2.0)), ("x", "grip"))


@pytest.mark.parametrize("truth", [KEYS, NUMBERS], ids=["keys", "numbers"])
def test_actions_are_read_back_as_they_were_written(truth, tmp_path):
    text = json.dumps(as_json(truth, 20, {"game": "slide"}))
    (tmp_path / "a.actions.json").write_text(text)
    assert read_actions(tmp_path / "a.mp4") == truth
    assert json.loads(text)["game"] == "slide"


def test_a_video_without_actions_beside_it_has_none(tmp_path):
    assert read_actions(tmp_path / "a.mp4") is None


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"times": [0.0], "actions": [0]}',
        '{"times": [0.0], "actions": [0, 1], "action_names": ["a", "b"]}',
        '{"times": [0.0], "actions": [2], "action_names": ["a", "b"]}',
        '{"times": [0.0], "actions": [[1.0]], "action_names": ["a", "b"]}',
        '{"times": [0.0], "actions": [[1.0, NaN]], "action_names": ["a", "b"]}',
        '{"times": [0.0, 1.0], "actions": [[1.0, 2.0], 3], "action_names": ["a", "b"]}',
    ],
)
def test_an_action_file_that_makes_no_sense_is_refused_by_name(text, tmp_path):
    (tmp_path / "a.actions.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.actions\.json"):
        read_actions(tmp_path / "a.mp4")

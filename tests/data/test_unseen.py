import ast
from pathlib import Path

import numpy as np
import pytest

import playworld.data.record.unseen
from playworld.config import InputError
from playworld.data.options import RecordOptions
from playworld.data.record import recorder
from playworld.data.record.actions import read_actions
from playworld.data.record.games import GAMES, SETS, UNSEEN
from playworld.data.record.unseen.film import films


def test_training_looks_and_unseen_ones_are_all_games_and_share_none():
    assert not set(SETS["procgen"]) & set(SETS["unseen"])
    assert {*SETS["procgen"], *UNSEEN} == set(GAMES)


def test_unseen_pictures_share_no_code_with_the_zoo():
    for path in Path(playworld.data.record.unseen.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert "zoo" not in (node.module or "")


@pytest.mark.parametrize("kind", ["photo", "drawn"])
def test_a_film_of_a_picture_depends_on_its_seed_and_size_alone(kind):
    size = (48, 32)
    once, again = (list(films(kind, seeds, 8, size)) for seeds in (range(2), range(1, 2)))
    first, second, third = (np.stack(list(film.frames())) for film in (*once, *again))
    assert np.array_equal(second, third) and once[1].keys == again[0].keys
    assert first.shape == (8, 32, 48, 3)
    assert not np.array_equal(first, second)


def test_a_set_of_games_goes_to_a_folder_each_with_all_themes(tmp_path):
    parts = recorder.members("unseen", tmp_path, RecordOptions(seed=4))
    assert [(name, folder.name) for name, folder, _ in parts] == [(n, n) for n in SETS["unseen"]]
    assert [own.themes for _, _, own in parts] == ["all", "all", "one", "one"]
    assert all(own.seed == 4 and own.backgrounds for _, _, own in parts)


def test_a_set_of_looks_without_backgrounds_is_refused(tmp_path):
    with pytest.raises(InputError, match="set of looks"):
        recorder.record("unseen", tmp_path / "videos", RecordOptions(backgrounds=False))
    assert not (tmp_path / "videos").exists()


def test_a_set_is_recorded_whole_and_counted_whole(tmp_path, monkeypatch):
    monkeypatch.setitem(recorder.SETS, "unseen", ("photo", "drawn"))
    seen = []
    options = RecordOptions(episodes=2, max_frames=4, size="32x24")
    counts = recorder.record("unseen", tmp_path, options, lambda *step: seen.append(step[:2]))
    assert (counts["episodes"], counts["frames"]) == (4, 16)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert len(read_actions(tmp_path / "drawn" / "drawn-0000000001.mp4").actions) == 4

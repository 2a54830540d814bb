import hashlib
import subprocess
import sys

import numpy as np
import pytest

from playworld.config import InputError
from playworld.data import record
from playworld.data.actions import read_actions
from playworld.data.options import RecordOptions
from playworld.data.zoo.film import film, films

PRINT_HASH = """
import hashlib
from playworld.data.zoo.film import films
for film in films(range(7, 10), 20, (64, 64)):
    print(hashlib.sha256(film.frames.tobytes() + bytes(film.keys)).hexdigest())
"""


def digest(one):
    return hashlib.sha256(one.frames.tobytes() + bytes(one.keys)).hexdigest()


def test_a_film_depends_on_its_seed_alone():
    done = subprocess.run(
        [sys.executable, "-c", PRINT_HASH],
        env={"PYTHONHASHSEED": "77", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    backwards = [digest(film(seed, 20, (64, 64))) for seed in (9, 8, 7)]
    assert done.stdout.split() == backwards[::-1]


def test_a_shorter_film_is_the_beginning_of_a_longer_one():
    long, short = film(5, 60, (64, 64)), film(5, 25, (64, 64))
    assert np.array_equal(long.frames[:25], short.frames)
    assert long.keys[:25] == short.keys


def test_every_seed_looks_different():
    firsts = {one.frames[0].tobytes() for one in films(range(12), 1, (64, 64))}
    assert len(firsts) == 12


@pytest.mark.parametrize("size", [(64, 64), (160, 90), (37, 8), (300, 260)])
def test_a_film_has_the_size_that_is_asked_for(size):
    for one in films(range(3), 2, size):
        assert one.frames.shape == (2, size[1], size[0], 3)


def test_the_zoo_is_recorded_without_a_simulator(tmp_path):
    options = RecordOptions(episodes=2, max_frames=12, seed=3, size="48x32")
    assert record.record("zoo", tmp_path, options)["frames"] == 24
    video = tmp_path / "zoo-0000300001.mp4"
    assert read_actions(video).actions == film(300_001, 12, (48, 32)).keys


def test_options_that_mean_nothing_to_the_zoo_are_refused():
    for options in (RecordOptions(mode="hard"), RecordOptions(themes="all")):
        with pytest.raises(InputError, match="looks of its own"):
            record.check_game("zoo", options)

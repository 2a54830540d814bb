"""Footage is cut into stretches and put in an order."""

import numpy as np
import pytest

from playworld.config import InputError
from playworld.curate.stretches import PAIRS, Footage, LabelStretch, label_order

from .conftest import noise, slide, write_clips


@pytest.fixture
def uneven(tmp_path):
    lengths = (96, 47, 49, 5, 1)
    scenes = [(f"{n}.mp4", slide(n, count)) for n, count in enumerate(lengths)]
    return Footage(write_clips(tmp_path / "clips", {"train": scenes}))


def test_every_frame_is_in_one_stretch(uneven):
    seen = [
        (s.scene, frame)
        for s in uneven.stretches(32)
        for frame in range(s.start, s.start + s.frames)
    ]
    assert sorted(seen) == [
        (n, k) for n, count in enumerate((96, 47, 49, 5, 1)) for k in range(count)
    ]


def test_a_rest_joins_the_stretch_before_unless_it_is_half_as_long(uneven):
    assert [s.frames for s in uneven.stretches(32)] == [32, 32, 32, 47, 32, 17, 5, 1]


@pytest.mark.parametrize("length", [0, 8, 24, -16, 2048])
def test_a_stretch_that_would_split_chunks_is_refused(uneven, length):
    with pytest.raises(InputError, match="multiple of 16"):
        uneven.stretches(length)


def test_a_glimpse_is_pairs_of_neighbours_from_begin_to_end(uneven):
    glimpse = uneven.glimpse(LabelStretch("train", 0, 32, 32))
    film = slide(0, 96)
    assert len(glimpse) == 2 * PAIRS
    np.testing.assert_array_equal(glimpse[:2], film[32:34])
    np.testing.assert_array_equal(glimpse[-2:], film[62:64])


def test_a_scene_of_one_frame_can_be_looked_at(uneven):
    (frame,) = slide(4, 1)
    assert (uneven.glimpse(LabelStretch("train", 4, 0, 1)) == frame).all()


def test_every_video_is_shown_once_before_any_is_shown_twice(mixture):
    footage = Footage(mixture)
    order = label_order(footage, footage.stretches(32), seed=0)
    sources = [footage.source(stretch) for stretch in order]
    for turn in range(3):
        assert len(set(sources[22 * turn : 22 * (turn + 1)])) == 22


def test_the_seed_alone_decides_the_order(mixture):
    footage = Footage(mixture)
    one, again, other = (label_order(footage, footage.stretches(32), s) for s in (0, 0, 1))
    assert one == again != other and sorted(one) == sorted(other)


def test_other_clips_have_another_hash(tmp_path):
    one = write_clips(tmp_path / "one", {"train": [("a.mp4", noise(0, 16))]})
    same = write_clips(tmp_path / "same", {"train": [("a.mp4", noise(0, 16))]})
    other = write_clips(tmp_path / "other", {"train": [("a.mp4", noise(1, 16))]})
    hashes = [Footage(folder).sha256 for folder in (one, same, other)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_folder_without_clips_is_refused(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        Footage(tmp_path / "nothing")
    with pytest.raises(InputError, match="no clips"):
        Footage(write_clips(tmp_path / "empty", {}))

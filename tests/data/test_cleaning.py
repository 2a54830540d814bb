import numpy as np
import pytest

from playworld.data.ingest.clean_options import CleanOptions
from playworld.data.ingest.cleaning import Origin, Stretch, judge, without, without_short
from playworld.data.ingest.frame_stats import TRAITS


@pytest.fixture
def seen():
    """100 frames of ordinary movement."""
    traits = np.zeros(100, dtype=TRAITS)
    traits["moved"] = True
    return traits


def fates(traits, padded=False, **options):
    found = judge(0, [traits], CleanOptions(**options), 10.0, padded)
    return [(s.start, s.stop, s.reason) for s in found]


def test_ordinary_movement_is_one_stretch_that_is_kept(seen):
    assert fates(seen) == [(0, 100, None)]


def test_a_player_may_stand_still_for_a_while_but_not_for_long(seen):
    seen["moved"][20:60] = False
    assert fates(seen) == [(0, 100, None)]
    seen["moved"][20:75] = False
    assert fates(seen) == [(0, 19, None), (19, 75, "static"), (75, 100, None)]
    assert fates(seen, static=0) == [(0, 100, None)]


def test_one_picture_stands_nowhere_however_far_apart_they_are(seen):
    assert fates(seen, static=0.01) == [(0, 100, None)]


def test_black_is_left_out_unless_it_is_a_blink(seen):
    seen["black"][[5, 6]] = True
    seen["black"][90:] = True
    assert fates(seen) == [(0, 90, None), (90, 100, "black")]
    assert fates(seen, black=0.2)[:2] == [(0, 5, None), (5, 7, "black")]
    assert fates(seen, black=0) == [(0, 100, None)]


def test_a_scene_with_bars_from_end_to_end_is_left_out(seen):
    seen["bars"] = (0, 12)
    seen["black"][:10], seen["bars"][:10] = True, 50  # a black frame says nothing
    assert fates(seen) == [(0, 100, "letterbox")]
    assert fates(seen, padded=True)[-1] == (10, 100, None)
    assert fates(seen, bars=False)[-1] == (10, 100, None)


def test_a_dark_moment_is_no_letterbox(seen):
    seen["bars"][:50] = (0, 12)
    assert fates(seen) == [(0, 100, None)]


def test_every_frame_of_every_scene_has_one_fate(seen):
    rng = np.random.default_rng(0)
    for name in ("moved", "black"):
        seen[name] = np.repeat(rng.random(10) < 0.5, 10)
    found = list(judge(3, [seen, seen[:7]], CleanOptions(static=1.0), 10.0, False))
    frames = [(s.scene, n) for s in found for n in range(s.start, s.stop)]
    assert frames == [(0, n) for n in range(100)] + [(1, n) for n in range(7)]


def test_a_stretch_is_cut_at_its_copies():
    origin = Origin(0, 0, 5)
    pieces = list(without(Stretch(1, 2, 10, 50), [(10, 20, origin), (30, 40, origin)]))
    assert [(p.start, p.stop, p.reason) for p in pieces] == [
        (10, 20, "duplicate"),
        (20, 30, None),
        (30, 40, "duplicate"),
        (40, 50, None),
    ]


def test_what_is_left_between_may_be_too_short():
    pieces = [Stretch(0, 0, 0, 15), Stretch(0, 0, 15, 20, "black"), Stretch(0, 0, 20, 36)]
    assert [s.reason for s in without_short(pieces, 16)] == ["short", "black", None]


@pytest.mark.parametrize(
    "wrong",
    [
        {"static": -1.0},
        {"black": float("nan")},
        {"duplicates": float("inf")},
        {"static_change": 300.0},
        {"black_level": -1},
        {"duplicate_bits": 17},
    ],
)
def test_thresholds_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CleanOptions(**wrong)

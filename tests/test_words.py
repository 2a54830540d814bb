"""Numbers in sentences."""

from playworld.words import counted


def test_one_thing_is_not_said_in_the_plural():
    assert [counted(n, "video") for n in (0, 1, 2_000)] == ["0 videos", "1 video", "2,000 videos"]
    assert counted(2, "press", "presses") == "2 presses"

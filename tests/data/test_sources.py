import os
import shutil

import pytest

from playworld.config import InputError
from playworld.data.ingest.pipeline import IngestOptions, ingest
from playworld.data.ingest.sources import check_target, find_videos


@pytest.fixture
def folder(tmp_path):
    """A folder with one file that could be a film."""
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.mp4").write_bytes(b"film")
    return tmp_path / "films"


def reasons(folder):
    files, skipped = find_videos(folder)
    assert ("a.mp4", 4) in files
    return dict(skipped)


def test_links_that_go_round_in_a_circle_are_skipped(folder):
    (folder / "itself.mp4").symlink_to("itself.mp4")
    (folder / "one.mp4").symlink_to("two.mp4")
    (folder / "two.mp4").symlink_to(folder / "one.mp4")
    assert reasons(folder) == dict.fromkeys(
        ("itself.mp4", "one.mp4", "two.mp4"), "a link that leads to itself"
    )


def test_a_link_to_the_folder_above_is_not_followed(folder):
    (folder / "up").symlink_to("..")
    (folder / "here").symlink_to(".")
    assert reasons(folder) == {
        "up": "a link that leaves the folder",
        "here": "a link to elsewhere in the folder",
    }


def test_a_link_to_nothing_is_skipped(folder):
    (folder / "gone.mp4").symlink_to("missing.mp4")
    assert list(reasons(folder)) == ["gone.mp4"]


def test_a_folder_of_nothing_but_a_circle_of_links_says_so(tmp_path):
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.mp4").symlink_to("a.mp4")
    with pytest.raises(InputError, match="a link that leads to itself"):
        ingest(tmp_path / "films", tmp_path / "clips", IngestOptions(workers=1))


def test_a_target_that_is_a_circle_of_links_is_refused(folder, tmp_path):
    (tmp_path / "clips").symlink_to("clips")
    with pytest.raises(InputError, match="leads to itself"):
        ingest(folder, tmp_path / "clips", IngestOptions(workers=1))


def test_a_folder_that_lies_too_deep_is_named_and_skipped(folder):
    descend(folder, 20)
    try:
        assert any("too long" in reason for reason in reasons(folder).values())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def descend(folder, levels):
    """Folders of long names in each other, the last beyond the longest path that can be opened."""
    here = os.getcwd()
    os.chdir(folder)
    try:
        for _ in range(levels):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
    finally:
        os.chdir(here)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_cannot_be_read_is_named_and_skipped(folder):
    (folder / "private").mkdir(mode=0)
    assert "Permission denied" in reasons(folder)["private"]


def test_names_that_differ_in_case_or_in_unicode_form_stay_apart(folder):
    for name in ("A.mp4", "caf\u00e9.mp4", "cafe\u0301.mp4"):
        (folder / name).write_bytes(b"film")
    names = [name for name, _ in find_videos(folder)[0]]
    assert len(set(names)) == len(os.listdir(folder))


def test_a_folder_named_like_a_film_is_looked_into(folder):
    (folder / "b.mp4").mkdir()
    (folder / "b.mp4" / "c.mp4").write_bytes(b"film")
    assert [name for name, _ in find_videos(folder)[0]] == ["a.mp4", "b.mp4/c.mp4"]


def test_clips_beside_a_folder_behind_a_link_are_let_in(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    check_target(tmp_path / "link", tmp_path / "clips")

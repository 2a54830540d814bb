"""Folders and files that appear whole, among files of others, on file systems of every kind."""

import errno
import fcntl
import itertools
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from playworld.atomic import (
    CannotSave,
    alone,
    new_folder,
    settle,
    temporary,
    temporary_folder,
    write_whole,
)
from playworld.config import InputError
from playworld.manifest import (
    read_folder,
    refuse_foreign,
    remove_folder,
    write_folder,
)

OLD = {"README.md": "old", "config.json": 1, "prompts/01.png": b"one", "prompts/02.png": b"two"}
NEW = {"README.md": "new", "config.json": 2, "prompts/01.png": b"eins", "deep/er/x.json": 3}
FOREIGN = {"LICENSE": "mine", ".git/HEAD": "ref", "prompts/.DS_Store": "x", "Thumbs.db": "x"}
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a file system")


@pytest.fixture
def folder(tmp_path):
    write_folder(tmp_path / "saved", {}, OLD)
    return tmp_path / "saved"


def add_foreign(folder: Path) -> None:
    for name, text in FOREIGN.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "latest").symlink_to("nowhere")


def foreign_is_there(folder: Path) -> bool:
    texts = all((folder / name).read_text() == text for name, text in FOREIGN.items())
    return texts and os.readlink(folder / "latest") == "nowhere"


def in_a_child(work: Callable[[], None]) -> int:
    """Exit code of a fork that does `work`; minus the signal that killed it."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_files_of_others_survive_a_save_and_ours_are_replaced(folder):
    add_foreign(folder)
    write_folder(folder, {}, NEW)
    assert foreign_is_there(folder)
    assert read_folder(folder).names == sorted(NEW)
    assert not (folder / "prompts/02.png").exists()
    names = {"manifest.json", "README.md", "config.json", "prompts", "deep", "latest", ".git"}
    assert set(os.listdir(folder)) == names | {"LICENSE", "Thumbs.db"}


def test_a_folder_that_is_left_empty_is_removed(folder):
    for files in (NEW, OLD):
        write_folder(folder, {}, files)
    assert {entry.name for entry in folder.iterdir() if entry.is_dir()} == {"prompts"}


def test_a_kill_at_any_moment_leaves_the_old_files_or_the_new_ones(folder):
    """SIGKILL at the first thing a save does to the disk, at the second, ... until one ends."""
    add_foreign(folder)

    def save_and_die(last: int, documents: dict) -> None:
        seen = itertools.count()

        def die(event: str, _: object) -> None:
            if event in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir"):
                if next(seen) == last:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(die)
        write_folder(folder, {}, documents)

    versions = [OLD, NEW]
    for last in itertools.count():
        wanted = versions[(last + 1) % 2]
        code = in_a_child(lambda last=last, wanted=wanted: save_and_die(last, wanted))
        assert code in (0, -signal.SIGKILL)
        found = read_folder(folder)
        assert any(
            found.names == sorted(v) and found.bytes("README.md").decode() == v["README.md"]
            for v in versions
        )
        assert foreign_is_there(folder)
        if code == 0:
            break
    assert last > 40 and found.names == sorted(wanted)
    write_folder(folder, {}, NEW)
    left = [p.name for p in folder.parent.rglob(".*") if "playworld" in p.name]
    assert left == [] and os.listdir(folder.parent) == ["saved"]


def test_a_card_edited_by_hand_is_kept_beside_the_new_one(folder):
    (folder / "README.md").write_text("my own words")
    write_folder(folder, {}, NEW)
    assert (folder / "README.md").read_text() == "new"
    assert (folder / "README.md.orig").read_text() == "my own words"


def test_a_link_to_a_folder_elsewhere_is_never_written_through(folder, tmp_path):
    shutil.rmtree(folder / "prompts")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "01.png").write_text("mine")
    (folder / "prompts").symlink_to(tmp_path / "mine")
    write_folder(folder, {}, NEW)
    assert (tmp_path / "mine" / "01.png").read_text() == "mine"
    assert (folder / "prompts.orig").is_symlink() and read_folder(folder).names == sorted(NEW)


def test_a_link_to_a_world_goes_on_leading_there(folder, tmp_path):
    (tmp_path / "link").symlink_to("saved")
    write_folder(tmp_path / "link", {}, NEW)
    assert (tmp_path / "link").is_symlink() and read_folder(folder).names == sorted(NEW)


def test_the_rights_of_a_folder_stay(folder):
    folder.chmod(0o2750)
    write_folder(folder, {}, NEW)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o2750


@pytest.mark.parametrize("name", ["../outside", "link/inside", "/etc/x", "a//b"])
def test_what_a_stranger_left_to_be_finished_touches_nothing_outside(name, folder, tmp_path):
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    for path in (tmp_path / "outside", outside / "inside"):
        path.write_text("mine")
    (folder / "link").symlink_to(outside)
    commit = folder / ".playworld-commit"
    commit.mkdir()
    (commit / ".playworld-remove.json").write_text(json.dumps([name]))
    with pytest.raises(InputError, match="cannot be moved"):
        read_folder(folder)
    assert (tmp_path / "outside").exists() and (outside / "inside").exists()


def test_a_link_in_the_place_of_what_is_to_be_finished_is_not_followed(folder, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    (folder / ".playworld-commit").symlink_to(tmp_path / "mine")
    with pytest.raises(InputError, match="cannot be moved"):
        settle(folder)
    assert (tmp_path / "mine" / "thesis.tex").exists()


def test_finished_work_stays_where_it_is_when_it_cannot_be_put_in_its_place(tmp_path, monkeypatch):
    rename = os.rename

    def refuse(source, target):
        if Path(target).name == "new":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(OSError, match="all of it lies complete in .*new-complete-"):
        write_folder(tmp_path / "new", {}, NEW)
    [kept] = tmp_path.iterdir()
    assert read_folder(kept).names == sorted(NEW)
    write_folder(tmp_path / "other", {}, NEW)
    assert kept.is_dir()


def test_a_folder_of_litter_alone_counts_as_empty(tmp_path):
    for name in (".DS_Store", "._x", "Thumbs.db", "desktop.ini", ".nfs01"):
        (tmp_path / name).touch()
    for name in ("lost+found", "@eaDir", ".ipynb_checkpoints", "$RECYCLE.BIN"):
        (tmp_path / name).mkdir()
    refuse_foreign(tmp_path, ["a.safetensors"])
    write_folder(tmp_path, {}, NEW)
    assert len(os.listdir(tmp_path)) == 9 + 5


def test_removing_a_folder_of_ours_leaves_what_is_not(folder):
    (folder / "prompts" / "notes.txt").write_text("mine")
    (folder / ".DS_Store").touch()
    remove_folder(folder)
    assert [p.name for p in folder.rglob("*")] == ["prompts", "notes.txt"]


def test_a_name_as_long_as_a_file_system_allows(tmp_path):
    path = tmp_path / ("é" * 125)
    with alone(path, "busy"):
        write_folder(path, {}, OLD)
        write_folder(path, {}, NEW)
        write_whole(path / ("n" * 255), "text")
    assert read_folder(path).names == sorted(NEW)
    assert os.listdir(tmp_path) == [path.name]


def test_a_name_too_long_is_refused_before_the_work(tmp_path):
    with pytest.raises((InputError, OSError), match="too long"):
        write_folder(tmp_path / ("n" * 300), {}, OLD)


def test_where_folders_cannot_be_fsynced_it_is_written_all_the_same(tmp_path, monkeypatch):
    real = os.fsync

    def refuse(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    write_folder(tmp_path / "saved", {}, OLD)
    write_folder(tmp_path / "saved", {}, NEW)
    write_whole(tmp_path / "text", "whole")
    assert read_folder(tmp_path / "saved").names == sorted(NEW)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_where_there_are_no_locks_it_is_written_all_the_same(number, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with alone(tmp_path / "saved", "busy"):
        write_folder(tmp_path / "saved", {}, OLD)
        write_folder(tmp_path / "saved", {}, NEW)
        with temporary_folder(tmp_path, "living"):
            write_whole(tmp_path / "text", "whole")
            assert len(os.listdir(tmp_path)) == 4
    assert sorted(os.listdir(tmp_path)) == ["saved", "text"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, mounted at a folder."""
    place = tmp_path / "mounted"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this machine does not let a small disk be mounted")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@root_only
def test_a_mount_point_is_written_into_and_again(small_disk):
    (small_disk / "lost+found").mkdir(mode=0o700)
    for documents in (OLD, NEW):
        write_folder(small_disk, {}, documents)
        assert read_folder(small_disk).names == sorted(documents)
    assert (small_disk / "lost+found").is_dir()


@root_only
def test_a_mount_point_within_the_folder_is_written_into(folder, small_disk):
    command = ["mount", "--bind", str(small_disk), str(folder / "prompts")]
    (small_disk / "01.png").write_bytes(b"one")
    (small_disk / "02.png").write_bytes(b"two")
    subprocess.run(command, check=True)
    try:
        write_folder(folder, {}, NEW)
        assert read_folder(folder).names == sorted(NEW)
        assert os.listdir(small_disk) == ["01.png"]
    finally:
        subprocess.run(["umount", str(folder / "prompts")], check=True)


@root_only
def test_a_file_that_is_a_mount_point_is_written_into(tmp_path):
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").write_text("older")
    if subprocess.run(["mount", "--bind", tmp_path / "a", tmp_path / "b"]).returncode:
        pytest.skip("this machine does not let a file be mounted")
    try:
        write_whole(tmp_path / "b", "new")
        assert (tmp_path / "a").read_text() == "new"
        assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    finally:
        subprocess.run(["umount", str(tmp_path / "b")], check=True)


@root_only
def test_a_full_disk_is_named_with_the_bytes(small_disk):
    write_folder(small_disk / "saved", {}, OLD)
    for call in (
        lambda: write_whole(small_disk / "big.txt", bytes(400_000)),
        lambda: write_folder(small_disk / "saved", {}, {"big.bin": bytes(400_000)}),
    ):
        with pytest.raises(CannotSave, match=r"(big.txt|saved) \(400000 bytes needed\): No space"):
            call()
    assert os.listdir(small_disk) == ["saved"]
    assert read_folder(small_disk / "saved").names == sorted(OLD)


@root_only
def test_a_writable_folder_in_a_parent_that_is_not_is_enough():
    with tempfile.TemporaryDirectory() as name:
        parent, nobody = Path(name), 65534
        parent.chmod(0o755)
        (parent / "saved").mkdir()
        os.chown(parent / "saved", nobody, nobody)

        def as_nobody() -> None:
            os.setresuid(nobody, nobody, nobody)
            for documents in (OLD, NEW):
                refuse_foreign(parent / "saved", [])
                with alone(parent / "saved", "busy"):
                    write_folder(parent / "saved", {}, documents)
            with pytest.raises(InputError, match="no folder can be made at .* cannot be written"):
                refuse_foreign(parent / "other", [])

        assert in_a_child(as_nobody) == 0
        assert read_folder(parent / "saved").names == sorted(NEW)
        assert os.listdir(parent) == ["saved"] and not list((parent / "saved").glob(".*"))


def test_two_files_of_one_stem_do_not_share_a_temporary_one(tmp_path):
    seen = []
    write_whole(tmp_path / "a.json", "1")
    with new_folder(tmp_path / "folder") as stage:
        write_whole(tmp_path / "a.txt", "2")
        seen += os.listdir(tmp_path)
        (stage / "x").touch()
    assert (tmp_path / "a.json").read_text() == "1" and (tmp_path / "a.txt").read_text() == "2"
    assert sorted(os.listdir(tmp_path)) == ["a.json", "a.txt", "folder"] and len(seen) == 3


def test_a_file_keeps_its_rights_and_the_link_that_leads_to_it(tmp_path):
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "real.json").chmod(0o640)
    (tmp_path / "link.json").symlink_to("real.json")
    write_whole(tmp_path / "link.json", "new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "real.json").stat().st_mode) == 0o640


def test_a_file_cleared_away_before_its_writer_locks_it_is_begun_again(tmp_path, monkeypatch):
    """Another writer in the folder takes a file without a lock for abandoned."""
    real, cleared = temporary.flock, []

    def after_another_writer(descriptor: int, wait: bool) -> bool:
        if not cleared:
            cleared.extend(tmp_path.iterdir())
            cleared[0].unlink()
        return real(descriptor, wait)

    monkeypatch.setattr(temporary, "flock", after_another_writer)
    write_whole(tmp_path / "note.txt", b"all of it")
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"all of it"] and len(cleared) == 1

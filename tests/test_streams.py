"""Terminals and pipes as people have them: no traceback, whatever is closed, full or ASCII only."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from playworld.cli.streams import PIPE_CLOSED, plainly

PROGRAM = [sys.executable, "-m", "playworld"]
POSIX = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ASCII = [{"PYTHONIOENCODING": "ascii"}, POSIX]


def playworld(*args: object, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, *map(str, args)]
    return subprocess.run(command, capture_output=True, env=os.environ | settings, text=True)


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """What a shell says to a line in which `playworld` is the program."""
    program = " ".join(PROGRAM)
    return subprocess.run(
        ["sh", "-c", line.replace("playworld", program)], capture_output=True, text=True
    )


@pytest.mark.parametrize("line", ["playworld --help", "playworld plan --help"])
def test_results_that_nobody_reads_end_in_silence(line: str):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*PROGRAM, *line.split()[1:]], stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (PIPE_CLOSED, "")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("playworld --help >&-", 0),
        ("playworld ingest --help >&- <&-", 0),
        ("playworld trian 2>&-", 2),
        ("playworld --version >&- 2>&- <&-", 0),
    ],
)
def test_a_closed_stream_is_no_error(line: str, code: int):
    done = shell(line)
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize("columns", ["0", "1", "5"])
def test_help_ends_on_a_terminal_of_hardly_any_columns(columns: str):
    done = playworld("inspect", "--help", COLUMNS=columns)
    assert done.returncode == 0 and "--scenes" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full: run on Linux")
def test_a_full_disk_behind_standard_output_is_one_line():
    done = shell("playworld --help > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "playworld: standard output: No space left on device\n"
    done = shell("playworld plan genie-41m > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "playworld: [Errno 28] standard output: No space left on device\n"
    assert shell("playworld trian 2> /dev/full").returncode == 2


@pytest.mark.parametrize("settings", ASCII, ids=["ascii", "posix"])
def test_help_and_complaints_are_readable_on_an_ascii_terminal(settings: Mapping[str, str]):
    helped, refused = playworld("ingest", "--help", **settings), playworld("größe", **settings)
    assert helped.returncode == 0 and helped.stdout.isascii() and "--fps FLOAT" in helped.stdout
    assert refused.returncode == 2 and refused.stderr.isascii() and "gr" in refused.stderr


@pytest.mark.parametrize("settings", ASCII, ids=["ascii", "posix"])
def test_videos_with_accents_are_ingested_and_inspected_on_an_ascii_terminal(
    settings: Mapping[str, str], videos: Path, tmp_path: Path
):
    (tmp_path / "v").mkdir()
    for video, name in zip(sorted(videos.glob("*.mp4")), ("größe.mp4", "東.mp4"), strict=False):
        (tmp_path / "v" / name).write_bytes(video.read_bytes())
    (tmp_path / "v" / os.fsdecode(b"\xff.mp4")).write_bytes(b"")
    done = playworld("ingest", tmp_path / "v", tmp_path / "c", "--workers", 1, **settings)
    shown = playworld("inspect", tmp_path / "c", **settings)
    assert (done.returncode, shown.returncode) == (0, 0), done.stderr + shown.stderr
    assert "2 files used, 1 not" in shown.stdout and "###" in shown.stdout
    assert (done.stdout + done.stderr + shown.stdout).isascii()


def test_what_ascii_lacks_is_written_as_something_alike():
    assert plainly(UnicodeEncodeError("ascii", "a█…é", 1, 4, "")) == ("#...\\xe9", 4)


def test_a_terminal_without_block_characters_is_refused_in_words(tmp_path: Path):
    import pty

    ours, theirs = pty.openpty()
    done = subprocess.run(
        [*PROGRAM, "play", "--terminal"],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        text=True,
    )
    os.close(ours), os.close(theirs)
    assert done.returncode == 2
    assert "set LC_ALL=C.UTF-8" in done.stderr and done.stderr.count("\n") == 1

"""The command line says what it can do, and in one line what went wrong."""

import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from rich.console import Console

from playworld import __version__
from playworld.cli import complain, main
from playworld.cli.command import Ended, endings, then
from playworld.cli.commands import COMMANDS
from playworld.cli.environment import ALLOCATOR, allocator_environment
from playworld.cli.parser import parse, read
from playworld.cli.progress import ProgressBars
from playworld.config import InputError
from playworld.studies.options import TABLES as NAMED_TABLES
from playworld.studies.tables import TABLES
from playworld.train.loop import NonFinite, Preempted
from playworld.train.objectives import Collapsed


def playworld(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own."""
    inherited = {k: v for k, v in os.environ.items() if k not in ALLOCATOR}
    return subprocess.run(
        [sys.executable, "-m", "playworld", *args],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )


def wait_for(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(COMMANDS)


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_command_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]):
    assert main([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: playworld {verb}")
    assert "--verbose" in out


HEAVY = {"torch", "av", "PIL", "numpy", "jaxtyping", "gymnasium", "fastapi", "einops", "fsspec"}
"""What takes long to import."""


@pytest.mark.parametrize(
    "lines",
    [
        ["--help", *(f"{verb} --help" for verb in COMMANDS), "agent ppo --help"],
        ["trian", "ingest a b --fsp 3", "ingest a", "play --port", "train tiny c w --steps x"],
        ["ingest a b --fps -1", "create v w --minutes 0", "plan small --device-memory 3"],
    ],
    ids=["help", "mistyped", "out of range"],
)
def test_neither_help_nor_a_mistyped_command_waits_for_heavy_imports(lines: list[str]):
    code = f"from playworld.cli import main; import sys; [main(s.split()) for s in {lines}]; "
    code += "print({name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(re.findall(r"\w+", done.stdout.splitlines()[-1]))
    assert "rich" in loaded and loaded & HEAVY == set()


def test_the_help_of_ablate_names_the_tables_there_are():
    assert set(NAMED_TABLES) == set(TABLES)


def commands() -> list[tuple[str, type]]:
    """Every command and step, with its class."""
    found: list[tuple[str, type]] = []
    for verb, command in COMMANDS.items():
        found.append((verb, command))
        if step := command.__dataclass_fields__.get("step"):
            found += [(f"{verb} {c.__name__.lower()}", c) for c in get_args(step.type)]
    return found


def titles(page: str) -> dict[str, list[str]]:
    """The boxes of a help page, and the options in each."""
    boxes = re.findall(r"^╭─ (.+?) ─+╮$(.*?)^╰", page, re.MULTILINE | re.DOTALL)
    option = r"^│ (?:-h, )?--([\w-]+)"
    return {title: re.findall(option, text, re.MULTILINE) for title, text in boxes}


@pytest.mark.parametrize(("name", "command"), commands())
def test_the_help_of_a_command_ends_with_an_example_that_can_be_typed(
    name: str, command: type, capsys: pytest.CaptureFixture[str]
):
    assert main([*name.split(), "--help"]) == 0
    example = capsys.readouterr().out.splitlines()[-1].removeprefix("example: playworld ")
    assert example == command.example.removeprefix("playworld ") and example.startswith(name)
    parse(shlex.split(example)[0], shlex.split(example)[1:])


@pytest.mark.parametrize(("name", "command"), commands())
def test_many_options_are_shown_in_groups(
    name: str, command: type, capsys: pytest.CaptureFixture[str]
):
    assert main([*name.split(), "--help"]) == 0
    boxes = titles(capsys.readouterr().out)
    for title, options in getattr(command, "groups", {}).items():
        assert boxes[title] and set(boxes[title]) <= set(options.split())
    assert len(boxes["options"]) <= 12


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes_the_options_of_a_step(capsys: pytest.CaptureFixture[str]):
    assert main(["--tyro-print-completion", "bash"]) == 0
    script = capsys.readouterr().out
    script += "COMP_WORDS=(playworld agent plan --cand)\nCOMP_CWORD=3\n"
    script += '_tyro_playworld; echo "${COMPREPLY[@]}"'
    done = subprocess.run(["bash"], input=script, capture_output=True, text=True, check=True)
    assert done.stdout == "--candidates\n"


def test_completion_for_an_unknown_shell_names_the_known_ones(capsys: pytest.CaptureFixture[str]):
    assert main(["--tyro-print-completion", "ksh"]) == 2
    assert "needs one of bash, zsh, fish" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--version"], ["-V"], ["version"]])
def test_the_version_is_that_of_the_package(words: list[str], capsys: pytest.CaptureFixture[str]):
    assert main(words) == 0
    assert capsys.readouterr().out.strip() == __version__


def test_no_command_at_all_plays_the_built_in_world():
    assert read([]) == read(["play", "platformer"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["trian"], "playworld: unknown command 'trian', did you mean 'train'?"),
        (["ingest", "a"], "Missing from playworld ingest: CLIPS (see playworld ingest --help)"),
        (["ingest", "a", "b", "--fsp", "3"], "Unrecognized options: --fsp, 3, did you mean --fps?"),
        (["ingest", "a", "b", "--fps", "fast"], "Error parsing --fps"),
        (["ingest", "a", "b", "--fit", "stretch"], "invalid choice 'stretch' for argument '--fit'"),
        (["play", "coinrun", "--port"], "Missing value for argument '--port'"),
        (["ingest", "a", "b", "--fps", "-1"], "got -1"),
        (["ingest", "a", "b", "--size", "64"], "64"),
        (["ingest", "/no/such/folder", "b"], "/no/such/folder"),
        (["train", "smal", "/no/such/clips", "w"], "did you mean 'small'?"),
        (["train", "tiny", "/no/such/clips", "w"], "/no/such/clips"),
        (["evaluate", "conrun", "/no/such/clips"], "did you mean 'coinrun'?"),
        (["evaluate", "coinrun", "/no/such/clips"], "/no/such/clips"),
        (["create", "/no/such/folder", "w"], "/no/such/folder"),
        (["record", "coinrum", "v"], "did you mean 'coinrun'?"),
        (["play", "/no/such/world"], "/no/such/world"),
        (["play", "--terminal"], "--terminal needs a terminal, and standard"),
    ],
)
def test_bad_input_gets_one_line_and_code_2(
    args: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    assert main(args) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("playworld: ") and message in line
    assert list(tmp_path.iterdir()) == []


def test_an_unforeseen_error_is_one_line_too(capsys: pytest.CaptureFixture[str]):
    assert complain(RuntimeError("out of\nmemory")) == 1
    assert capsys.readouterr().err.splitlines() == [
        "playworld: RuntimeError: out of memory (--verbose shows where it came from)"
    ]


def test_a_full_disk_is_an_error_and_not_bad_input(capsys: pytest.CaptureFixture[str]):
    assert complain(OSError(28, "No space left on device", "/x/shard")) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_bad_input_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]):
    assert complain(InputError("no [bold] folder: /a b")) == 2
    assert capsys.readouterr().err == "playworld: no [bold] folder: /a b\n"


def test_verbose_shows_where_an_error_came_from():
    done = playworld("ingest", "/no/such/folder", "clips", "--verbose")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("playworld: ")


@pytest.mark.slow
def test_a_program_of_its_own_keeps_arguments_and_exit_code_when_it_starts_again():
    done = playworld("train", "no preset of 'mine'", "clips", "world")
    assert done.returncode == 2
    assert "no preset of 'mine'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the settings are glibc's")
def test_training_starts_again_with_the_allocator_settings(monkeypatch: pytest.MonkeyPatch):
    for name in ALLOCATOR:
        monkeypatch.delenv(name, raising=False)
    for verb in ("train", "create", "doctor"):
        assert ALLOCATOR.items() <= allocator_environment(verb).items()


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the settings are glibc's")
def test_training_that_is_stopped_has_saved_and_goes_on(clips: Path, tmp_path: Path):
    args = ["train", "tiny", str(clips), str(tmp_path / "world"), "--run", str(tmp_path / "run")]
    args += ["--tokenizer-steps", "40", "--world-steps", "4"]
    run = subprocess.Popen([sys.executable, "-m", "playworld", *args])
    metrics = tmp_path / "run/tokenizer/metrics.jsonl"
    wait_for(lambda: metrics.exists() and metrics.stat().st_size > 0)
    settings = Path(f"/proc/{run.pid}/environ").read_text().split("\0")
    assert {f"{name}={value}" for name, value in ALLOCATOR.items()} <= set(settings)
    run.send_signal(signal.SIGTERM)
    assert run.wait(timeout=120) == 75
    assert playworld(*args).returncode == 0
    assert (tmp_path / "world/manifest.json").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_between_the_stages_of_training_ends_it_with_code_75(number: signal.Signals):
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Ended) as ended, endings():
        signal.raise_signal(number)
    assert ended.value.code == 75
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("error", "code"), [(NonFinite("inf"), 3), (Preempted("saved"), 75), (Collapsed("one code"), 1)]
)
def test_training_that_ends_early_has_its_exit_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(Ended) as ended, endings():
        raise error
    assert complain(ended.value) == code
    assert capsys.readouterr().err == f"playworld: {error}\n"


@pytest.mark.slow
def test_play_says_where_it_is_and_ends_on_ctrl_c(tiny_world: Path):
    program = [sys.executable, "-m", "playworld", "play", str(tiny_world)]
    with subprocess.Popen(
        [*program, "--port", "0", "--no-browser"], stdout=subprocess.PIPE, text=True
    ) as server:
        line = server.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", line)
        with urllib.request.urlopen(address[0], timeout=60) as page:
            assert page.status == 200
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=60) == 0


@pytest.mark.parametrize("name", ALLOCATOR)
def test_allocator_settings_of_the_user_are_left_alone(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name, "65536")
    assert allocator_environment("train") is None


def test_other_commands_do_not_start_again():
    assert allocator_environment("play") is None
    assert allocator_environment(None) is None


def test_progress_in_a_log_ends_with_what_was_done():
    out = io.StringIO()
    with ProgressBars(Console(file=out, width=40)) as bars:
        show = bars("ingest")
        for done in range(1, 4):
            show(done, 3, "a long name [0].mp4")
    assert out.getvalue() == "ingest: a long name [0].mp4: 100%, 00:00:00 left\n"


def test_progress_on_a_terminal_is_a_bar_for_each_kind_of_work():
    out = io.StringIO()
    with ProgressBars(Console(file=out, width=100, force_terminal=True)) as bars:
        bars("tokenizer")(2, 2, "loss 0.1")
        bars("world")(1, 5, "loss 0.2")
    assert "100%" in out.getvalue() and " 20%" in out.getvalue()


def test_the_command_that_comes_next_can_be_pasted_into_a_shell():
    said = then("recorded", "ingest", Path("my videos"), "CLIPS")
    assert said.startswith("recorded; next: playworld ingest ")
    assert shlex.split(said.partition("next: ")[2])[2:] == ["my videos", "CLIPS"]


def test_a_card_goes_into_a_world_and_into_no_other_folder_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "coinrun").mkdir()
    assert main(["evaluate", "coinrun", "clips", "--card"]) == 2
    assert "--card writes into one world's folder, not coinrun" in capsys.readouterr().err
    assert list((tmp_path / "coinrun").iterdir()) == []

"""The comparison with other implementations runs, and says what it could not run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "benchmarks" / "peers.py"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a run says with an empty folder for one checkout, and a broken one for another."""
    empty, broken = tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("broken")
    (broken / "models").mkdir()
    (broken / "models" / "video_tokenizer.py").write_text("import a_module_that_nobody_has\n")
    options = ["--tiny", "--rounds", "1", "--seconds", "0", "--threads", "1"]
    done = subprocess.run(
        [sys.executable, SCRIPT, *options, "--1xgpt", empty, "--tinyworlds", broken],
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("task", ["dynamics", "tokenizer", "frame"])
def test_playworld_is_timed_at_every_task(printed: str, task: str):
    (row,) = re.findall(rf"^{task} +playworld +fp32 +(.*)$", printed, re.MULTILINE)
    median, least, most = map(float, row.split()[:3])
    assert 0 < least <= median <= most


def test_a_folder_that_is_no_checkout_is_one_line(printed: str):
    (line,) = [line for line in printed.splitlines() if line.startswith("1xgpt")]
    assert "not run" in line and "has no genie/st_mask_git.py" in line


def test_a_module_that_a_checkout_lacks_is_named(printed: str):
    assert re.search(
        r"^tinyworlds tokenizer fp32: not run: .* needs the module a_module_that_nobody_has",
        printed,
        re.MULTILINE,
    )

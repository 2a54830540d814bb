"""A machine that lacks what is optional: its tests are collected and skipped, and say why."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.parts import summary

ROOT = Path(__file__).parent.parent
EXTRAS = (
    "ray",
    "stable_baselines3",
    "mujoco",
    "gymnasium_robotics",
    "pyarrow",
    "scipy",
    "onnx",
    "redis",
)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which no optional part can be found, whatever this machine has."""
    folder = tmp_path_factory.mktemp("bare")
    for name in ("site", "lib", "bin", "cache"):
        (folder / name).mkdir()
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if not entry.name.startswith(EXTRAS) and entry.suffix != ".pth":
            (folder / "site" / entry.name).symlink_to(entry)
    # As on a Debian without python3-venv: the simulator's environment fails at once, not after pip.
    (folder / "site" / "venv.py").write_text("if __name__ == '__main__': exit('none')")
    _without_runtime(folder / "source")
    for number in ("", *(f".{n}" for n in range(10))):  # the loader takes these, and cannot
        (folder / "lib" / f"libOSMesa.so{number}").touch()
    return {
        "PATH": str(folder / "bin"),
        "PYTHONPATH": os.pathsep.join(map(str, (folder / "site", folder / "source", ROOT))),
        "LD_LIBRARY_PATH": str(folder / "lib"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PIP_NO_INDEX": "1",
        "MUJOCO_GL": "osmesa",
    }


def _without_runtime(source: Path) -> None:
    """The package without ONNX Runtime Web, which is fetched into its folder."""
    package, inner = ROOT / "src/playworld", source / "playworld/site"
    inner.mkdir(parents=True)
    for folder, entries in ((inner.parent, package), (inner, package / "site")):
        for entry in entries.iterdir():
            if entry.name not in ("site", "ort"):
                (folder / entry.name).symlink_to(entry)


def suite(environment: dict[str, str], *args: str) -> subprocess.CompletedProcess[str]:
    """The suite as `make test` runs it; -S leaves out the packages that this Python has."""
    command = [sys.executable, "-S", "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider"]
    command += ["--assert=plain"]  # nothing is asserted where all is skipped
    return subprocess.run(
        [*command, *args], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280
    )


@pytest.mark.slow
def test_the_suite_is_collected_and_skips_in_words_where_everything_optional_is_missing(bare):
    done = suite(bare, "-m", "needs")
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" not in done.stdout.splitlines()[-1]
    said = done.stdout.partition("skipped, and how to get what was missing")[2]
    for part in ("Chromium: apt install", "Procgen simulator: ", "ray: ", "stable_baselines3: "):
        assert len(re.findall(rf"\d+ skipped, no {part}", said)) == 1
    for part in ("mujoco: ", "pyarrow: ", "scipy: ", "onnx: ", "ONNX Runtime Web: "):
        assert len(re.findall(rf"\d+ skipped, no {part}", said)) == 1


@pytest.mark.slow
def test_a_mujoco_that_cannot_draw_is_a_skip_that_says_what_to_install(bare):
    site = sysconfig.get_paths()["purelib"]
    path = {"PYTHONPATH": os.pathsep.join((bare["PYTHONPATH"], site))}
    done = suite(bare | path, "tests/data/fetch")
    assert done.returncode in (0, 5), done.stdout[-3000:]
    assert re.search(r"1 skipped, (MuJoCo cannot draw: apt install|no mujoco: )", done.stdout)


def test_the_same_reason_is_said_once_with_the_number_of_its_tests():
    assert summary(["Skipped: no b: x", "no a: y", "Skipped: no b: x"]) == [
        "1 skipped, no a: y",
        "2 skipped, no b: x",
    ]

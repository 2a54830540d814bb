"""A built wheel is whole: installed into an empty environment, it runs."""

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest

from playworld.site import fetch

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True, timeout=120)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment: it holds the wheel, and sees this one's packages."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False)
    python = home / "bin/python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps"]
    subprocess.run([*install, "--no-index", str(wheel)], check=True, timeout=120)
    # A path file adds the folder of the dependencies, but not this checkout: path files inside it,
    # such as the one of an editable install, are not read.
    (site,) = home.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


def environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}


def run(programs: Path, *command: str) -> subprocess.CompletedProcess[str]:
    program = str(programs / command[0])
    return subprocess.run(
        [program, *command[1:]],
        cwd=programs,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
    )


def test_the_wheel_holds_every_file_of_the_package(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    source = ROOT / "src"
    files = {p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file()}
    assert {name for name in files if "__pycache__" not in name} <= names
    assert "playworld/play/page/index.html" in names
    assert {
        f"playworld/worlds/{name}/manifest.json" for name in ("any", "coinrun", "platformer")
    } <= names


def test_the_wheel_holds_its_licence_and_no_tests(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not any(name.startswith("tests/") for name in names)


@pytest.mark.needs("onnxruntime_web")
def test_the_wheel_holds_what_computes_frames_in_a_browser(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"playworld/site/ort/{name}" for name in fetch.names()} <= names


def test_the_wheel_stays_small_enough_to_install_quickly(wheel: Path):
    # Three worlds are 32 MB of it, and ONNX Runtime Web is 10 MB.
    assert wheel.stat().st_size < 45_000_000


def test_the_installed_program_says_what_it_can_do(programs: Path):
    done = run(programs, "playworld", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "playworld COMMAND" in done.stdout


def test_the_installed_package_is_not_the_checkout_and_loads_the_built_in_world(programs: Path):
    code = "import playworld; playworld.World.load('coinrun'); print(playworld.__file__)"
    done = run(programs, "python", "-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(programs.parent))


def test_the_installed_program_alone_opens_the_built_in_world(programs: Path):
    # What `uvx playworld` and `pipx run playworld` start once they have made such an environment.
    code = "from playworld.cli.parser import read; print(read([]).world)"
    assert run(programs, "python", "-c", code).stdout == "platformer\n"
    command = [str(programs / "playworld"), "play", "--port", "0", "--no-browser"]
    with subprocess.Popen(
        command, cwd=programs, env=environment(), stdout=subprocess.PIPE, text=True
    ) as playing:
        assert playing.stdout is not None
        address = re.search(r"playing platformer at (\S+)", playing.stdout.readline())
        assert address is not None
        with urllib.request.urlopen(f"{address[1]}api/v1/world", timeout=60) as answer:
            assert json.load(answer)["name"] == "Platformer"
        playing.send_signal(signal.SIGINT)
    assert playing.returncode == 0

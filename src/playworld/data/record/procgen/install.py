"""The interpreter that has Procgen: found, or built in the user's cache folder.

procgen-mirror asks for numpy 1 and gym, which nothing else here could live with, so it gets a
virtual environment of its own. `python -m playworld.data.record.procgen.install` builds it ahead
of time.
"""

import logging
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import Distribution
from pathlib import Path

from playworld.atomic import cache_folder
from playworld.config import InputError

log = logging.getLogger(__name__)

PINS = (
    "procgen-mirror==0.10.7",
    "gym==0.26.2",
    "gym-notices==0.1.0",
    "gym3==0.3.3",
    "numpy==1.26.4",
    "cffi==1.17.1",
    "cloudpickle==3.1.2",
    "filelock==3.32.7",
    "glcontext==3.1.0",
    "glfw==1.12.0",
    "imageio==2.38.1",
    "imageio-ffmpeg==0.3.0",
    "moderngl==5.13.0",
    "pillow==13.0.0",
    "pycparser==3.12",
)
"""Everything in the simulator's environment."""


WHEELS = ((3, 11), (3, 12))
"""Versions of Python that procgen-mirror 0.10.7 has a wheel for."""


def check_wheel(python: tuple[int, int], system: str, machine: str) -> None:
    """Raise InputError unless procgen-mirror 0.10.7 has a wheel for this Python and platform."""
    if python in WHEELS and system == "linux" and machine == "x86_64":
        return
    raise InputError(
        "recording needs the Procgen simulator, whose wheels are for Python 3.11 and 3.12 on Linux "
        f"x86-64, and this is Python {python[0]}.{python[1]} on {system} {machine}: record on such "
        "a machine, or use videos of your own"
    )


def procgen_python() -> Path:
    """Return an interpreter that can import procgen; build its environment where there is none.

    Raises:
        InputError: If no wheel fits this Python and platform, or the installation failed.
    """
    if any(Distribution.discover(name="procgen-mirror")):
        return Path(sys.executable)
    version = sys.version_info[:2]
    check_wheel(version, sys.platform, platform.machine())
    home = cache_folder() / f"procgen-0.10.7-py{version[0]}.{version[1]}"
    python = home / "bin" / "python"
    if not python.exists():
        build(home)
    return python


def build(home: Path) -> None:
    """Make a virtual environment with the simulator at `home`, whole or not at all."""
    home.parent.mkdir(parents=True, exist_ok=True)
    log.info("installing the Procgen simulator into %s (once, under a minute)", home)
    # Built beside its place and then moved: bin/python works wherever its folder lies.
    work = Path(tempfile.mkdtemp(dir=home.parent, prefix=f".{home.name}-"))
    try:
        _run([sys.executable, "-m", "venv", str(work)])
        pip = [str(work / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        _run([*pip, "--only-binary", "procgen-mirror", *PINS])
        try:
            work.rename(home)
        except OSError:
            if not (home / "bin" / "python").exists():  # else another process was faster
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    errors = [line for line in lines if line.startswith("ERROR")]
    raise InputError(
        f"the Procgen simulator could not be installed ({(errors or lines)[-1]}): pip needs its "
        "package index for this, once"
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        log.info("Procgen runs in %s", procgen_python())
    except InputError as error:
        log.error("%s", error)
        sys.exit(2)

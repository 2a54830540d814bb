"""The interpreter that has Procgen: found, or built in the user's cache folder.

procgen-mirror asks for numpy 1 and gym, which nothing else here could live with, so it gets a
virtual environment of its own. `python -m playworld.data.simulator` builds it ahead of time.
"""

import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

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


def cache_folder() -> Path:
    """Return the folder that environments are kept in, below XDG_CACHE_HOME or ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "playworld"


def procgen_python() -> Path:
    """Return an interpreter that can import procgen; build its environment where there is none.

    Raises:
        InputError: If no wheel fits this Python and platform, or pip failed.
    """
    if importlib.util.find_spec("procgen") is not None:
        return Path(sys.executable)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    home = cache_folder() / f"procgen-0.10.7-py{version}"
    python = home / "bin" / "python"
    if not python.exists():
        _build(home, version)
    return python


def _build(home: Path, version: str) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    log.info("installing the Procgen simulator into %s (once, about a minute)", home)
    # Built beside its place and moved there whole: bin/python works wherever its folder lies.
    work = Path(tempfile.mkdtemp(dir=home.parent, prefix=f".{home.name}-"))
    try:
        _run([sys.executable, "-m", "venv", str(work)], version)
        pip = [str(work / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        _run([*pip, "--only-binary", "procgen-mirror", *PINS], version)
        try:
            work.rename(home)
        except OSError:
            if not (home / "bin" / "python").exists():  # else another process was faster
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(command: list[str], version: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    reason = errors[-1] if errors else (done.stderr.strip().splitlines() or ["no message"])[-1]
    if "No matching distribution found for procgen-mirror" in reason:
        raise InputError(
            f"Procgen (procgen-mirror 0.10.7) has no wheel for Python {version} on this "
            f"platform: run `playworld record` with Python 3.11 or 3.12 on Linux x86-64"
        )
    raise InputError(f"the Procgen simulator could not be installed: {reason}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        log.info("Procgen runs in %s", procgen_python())
    except InputError as error:
        sys.exit(f"playworld: {error}")

"""The parts that a machine may lack: their tests are skipped, and the end says how to get them."""

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable

FIXTURES = {"browser": "chromium", "python": "simulator"}
"""What a test needs that takes a fixture of this name."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

DRAWS = """
import os
os.environ.setdefault("MUJOCO_GL", "osmesa")
import mujoco
mujoco.Renderer(mujoco.MjModel.from_xml_string("<mujoco/>"), 8, 8).close()
"""


def chromium() -> str | None:
    """The first Chromium or Chrome on the path."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def _no_browser() -> str | None:
    how = "apt install chromium, or put a Chrome on the path"
    if chromium() is None:
        return f"no Chromium: {how}"
    # Ubuntu's chromium-browser is a script that asks for a snap.
    command = [str(chromium()), "--version"]
    starts = subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    return None if starts else f"{chromium()} does not start: {how}"


def _no_robot() -> str | None:
    if absent := _no_extra("mujoco", "robots") or _no_extra("gymnasium_robotics", "robots"):
        return absent
    # In a process of its own: where MuJoCo cannot draw, importing it here would be half done.
    done = subprocess.run([sys.executable, "-c", DRAWS], capture_output=True, text=True)
    how = "apt install libosmesa6, or set MUJOCO_GL to egl or glfw with a graphics card or a screen"
    return f"MuJoCo cannot draw: {how}" if done.returncode else None


def _no_simulator() -> str | None:
    from playworld.config import InputError
    from playworld.data.record.procgen.install import procgen_python

    try:
        procgen_python()
    except InputError as error:
        return f"no Procgen simulator: {error}"
    return None


def _no_gpu() -> str | None:
    import torch

    return None if torch.cuda.is_available() else "no CUDA device: run on a machine with a GPU"


def _no_program(name: str, package: str) -> str | None:
    # Debian keeps those of servers where only root looks.
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    return None if found else f"no {name}: apt install {package}"


def _no_package(name: str, install: str) -> str | None:
    if importlib.util.find_spec(name) is not None:
        return None
    return f"no {name}: {os.path.relpath(sys.executable)} -m pip install {install}"


def _no_extra(name: str, extra: str) -> str | None:
    return _no_package(name, f"-c constraints.txt -e '.[{extra}]'")


def _no_runtime() -> str | None:
    from playworld.site.fetch import is_fetched

    how = f"apt install npm, then {os.path.relpath(sys.executable)} -m playworld.site.fetch"
    return None if is_fetched() else f"no ONNX Runtime Web: {how}"


PARTS: dict[str, Callable[[], str | None]] = {
    "chromium": _no_browser,
    "robot": _no_robot,
    "simulator": _no_simulator,
    "gpu": _no_gpu,
    "nginx": lambda: _no_program("nginx", "nginx-light"),
    "openssl": lambda: _no_program("openssl", "openssl"),
    "redis": lambda: _no_program("redis-server", "redis-server") or _no_extra("redis", "scale"),
    "caddy": lambda: _no_program("caddy", "caddy"),
    "onnxruntime": lambda: _no_extra("onnx", "onnx") or _no_extra("onnxruntime", "onnx"),
    "onnxruntime_web": _no_runtime,
    "pyarrow": lambda: _no_extra("pyarrow", "datasets"),
    "ray": lambda: _no_extra("ray", "scale"),
    "ray_serve": lambda: _no_extra("ray", "scale") or _no_extra("aiohttp", "scale"),
    "scipy": lambda: _no_package("scipy", "scipy"),
    "stable_baselines3": lambda: _no_extra("stable_baselines3", "agents"),
}


@functools.cache
def missing(part: str) -> str | None:
    """What is not here and how to get it, in one line; None where it is here."""
    return PARTS[part]()


def summary(reasons: Iterable[str]) -> list[str]:
    """One line for each reason to skip, with the number of tests that it cost."""
    counts = Counter(reason.removeprefix("Skipped: ") for reason in reasons)
    return [f"{count} skipped, {reason}" for reason, count in sorted(counts.items())]

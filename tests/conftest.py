"""What all tests share: shapes checked on many calls, one thread, small real videos and clips."""

import functools
import json
import os
import sys
import types
from collections import Counter
from pathlib import Path

# Before numpy and torch are imported. Tests are many small operations, for which a second thread
# costs more than it gives, and other tests run beside them; one thread makes sums repeatable. It
# holds for every program that a test starts, too.
os.environ["OMP_NUM_THREADS"] = "1"
# Where a test does ask for a second thread, it sleeps while it waits: with fewer free cores than
# threads, one test took 84 s of processor time that waited busily, and takes 4 s this way.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import jaxtyping
from beartype import BeartypeConf, beartype

CHECKED = 20
"""Calls of each function that are checked in each test. A test that plays or trains makes tens of
thousands, all with the same few shapes, and checking them takes longer than the work."""
CALLS = Counter()

jaxtyped = jaxtyping.jaxtyped


def check_first_calls(thing: object = None, *, typechecker: object = None) -> object:
    """In place of the decorator that jaxtyping's hook puts on everything: later calls go past it.

    Its own wrapper binds arguments and compares shapes in every call, whatever the checker does.
    What checks a function is made in its first call: most of a module's are never called, and one
    inside another is defined again and again.
    """
    if thing is None:
        return functools.partial(check_first_calls, typechecker=typechecker)
    if not isinstance(thing, types.FunctionType):
        return jaxtyped(thing, typechecker=typechecker)
    checked = functools.cache(lambda: jaxtyped(thing, typechecker=typechecker))
    code = thing.__code__

    @functools.wraps(thing)
    def first_calls(*args: object, **kwargs: object) -> object:
        # Where checks are off nothing is counted: a count would be part of a graph.
        if jaxtyping.config.jaxtyping_disable or CALLS[code] >= CHECKED:
            return thing(*args, **kwargs)
        if torch.jit.is_tracing():  # sizes are tensors there
            return thing(*args, **kwargs)
        CALLS[code] += 1
        return checked()(*args, **kwargs)

    return first_calls


# Before anything of the package is imported: what its signatures say is checked from here on. As
# in typing, an int will do for a float.
checker = types.ModuleType("playworld_type_checker")
checker.check = beartype(conf=BeartypeConf(is_pep484_tower=True))
sys.modules[checker.__name__] = checker
jaxtyping.jaxtyped = check_first_calls
jaxtyping.install_import_hook("playworld", "playworld_type_checker.check")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from filelock import FileLock  # noqa: E402

from playworld.machine import cores  # noqa: E402
from playworld.train import precision  # noqa: E402
from playworld.world import traced_passes  # noqa: E402

from .parts import FIXTURES, chromium, missing, summary  # noqa: E402

# Losses are compared to the last bits: float32 also where a processor is faster in bfloat16.
precision.WORTH_IT = float("inf")
# To trace takes as long as some hundred frames of a small world, which few tests play.
traced_passes.TRACE_AFTER = 1000

QUIET = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
--disable-background-networking --disable-component-update
--use-fake-ui-for-media-stream --use-fake-device-for-media-stream"""
"""What Chromium is told: no window, no network, a camera that shows a test picture."""

STEPS = np.array([(-3, 0), (3, 0), (0, -3), (0, 3)])
"""Pixels that the camera moves for each action: left, right, up, down."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for fixture in FIXTURES.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.needs(FIXTURES[fixture]))
        if any("simulator" in mark.args for mark in item.iter_markers("needs")):
            item.add_marker(pytest.mark.slow)  # each starts it, which takes two seconds
    # Files with slow tests first, so that no process of several begins one when all others end.
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Three for every two cores that are allowed, as tests wait for a third of their time.

    In a container fewer cores are allowed than there are.
    """
    return max(1, cores() * 3 // 2)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip before any fixture is made: those of a test without its part would be made in vain."""
    CALLS.clear()
    needed = [part for mark in item.iter_markers("needs") for part in mark.args]
    needed += ["gpu"] if item.get_closest_marker("gpu") else []
    for part in needed:
        if reason := missing(part):
            pytest.skip(reason)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.stats.get("skipped", [])
    if lines := summary(report.longrepr[2] for report in reports):
        terminalreporter.section("skipped, and how to get what was missing")
        for line in lines:
            terminalreporter.write_line(line)


def cut(land: np.ndarray, x: int, y: int) -> np.ndarray:
    return land[y : y + 64, x : x + 64]


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four files of 4 seconds, 64x64 at 20 fps: a camera slides over tiles, as its actions say."""
    from playworld.data.record.recordings import write_video  # here: slow to load

    folder = tmp_path_factory.mktemp("videos")
    rng = np.random.default_rng(0)
    tiles = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    land = np.repeat(np.repeat(tiles, 8, axis=0), 8, axis=1)
    for number in range(4):
        actions = np.repeat(rng.integers(0, 4, 20), 4)  # each held for 4 frames
        corner = np.cumsum(STEPS[actions], axis=0) + 128
        corner = np.clip(corner - STEPS[actions], 0, 256)  # where it was before the action
        write_video(folder / f"slide-{number}.mp4", np.stack([cut(land, *c) for c in corner]))
        truth = {"times": [k / 20 for k in range(80)], "actions": actions.tolist()}
        names = {"action_names": ["left", "right", "up", "down"], "fps": 20, "game": "slide"}
        (folder / f"slide-{number}.actions.json").write_text(json.dumps(truth | names))
    return folder


@pytest.fixture(scope="session")
def clips(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `ingest` makes of the videos."""
    from playworld.data.ingest.pipeline import IngestOptions, ingest

    folder = tmp_path_factory.mktemp("ingested") / "clips"
    ingest(videos, folder, IngestOptions(workers=1))
    return folder


@pytest.fixture(scope="session")
def tiny_world(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world trained for seconds: real in every part, of no quality.

    One for all processes of tests, so it is read and never changed.
    """
    from playworld.export.train_world import train_world
    from playworld.presets import preset
    from playworld.train.options import TrainOptions

    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "trained"
    with FileLock(f"{folder}.lock"):
        if not (folder / "world").exists():
            folder.mkdir(exist_ok=True)
            (folder / "about.md").write_text("Squares that slide.")
            few = {"tokenizer_steps": 30, "world_steps": 30}
            options = TrainOptions(run=folder / "run", about=folder / "about.md", **few)
            train_world(preset("tiny"), clips, folder / "world", options)
    return folder / "world"


@pytest.fixture(scope="module")  # Playwright's loop would be in the way of other modules' loops
def browser():
    """A real Chromium; any Chromium or Chrome on the path will do."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=15_000)  # a page has to share the processors with other tests
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=QUIET.split())
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def python():
    """An interpreter that has Procgen."""
    from playworld.data.record.procgen import install  # here: not every test should wait for it

    return install.procgen_python()

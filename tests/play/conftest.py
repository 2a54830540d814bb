"""A tiny real world with random weights, and a server that plays it in a process of its own."""

import io
import itertools
import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from playworld.models.actions import LatentActionModel
from playworld.models.dynamics import Dynamics
from playworld.models.tokenizer import VideoTokenizer
from playworld.play import PlayOptions, create_app, serve
from playworld.presets import TINY
from playworld.world import Button, World, WorldConfig
from tests.processes import CONTEXT, start

SOCKET = "ws://127.0.0.1/api/v1/socket"
BUTTONS = ("left ←", "right →", "jump ↑", "fall ↓", "leap ↗", "wait •", "seven", "eight")


def picture_bytes(seed: int, size: tuple[int, int] = (64, 64), format: str = "PNG") -> bytes:
    tiles = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(tiles).resize(size, Image.Resampling.NEAREST).save(file, format)
    return file.getvalue()


def make_world(seed: int = 0) -> World:
    torch.manual_seed(seed)
    buttons = tuple(Button(*name.split()) for name in BUTTONS)
    config = WorldConfig(
        "tiny", 10.0, TINY.tokenizer, TINY.actions, TINY.dynamics, TINY.sampler, buttons
    )
    dynamics = Dynamics(config.dynamics)
    # An untrained last layer is too unsure for a button to matter.
    dynamics.head.weight.data *= 8
    models = VideoTokenizer(config.tokenizer), LatentActionModel(config.actions), dynamics
    prompts = {f"{n:02d}": picture_bytes(n) for n in (1, 2, 3)}
    return World(config, *(model.eval() for model in models), card="# Tiny", prompts=prompts)


def make_client(world: World, **options) -> TestClient:
    return TestClient(create_app(world, PlayOptions(**options)), base_url="http://127.0.0.1")


@pytest.fixture(scope="session")
def random_world() -> World:
    return make_world()


@pytest.fixture
def client(random_world):
    with make_client(random_world) as client:
        yield client


def serve_folder(
    folder: Path, port: int, files: int, copies: int, options: dict, log: Path, url: Connection
) -> None:
    """What a server's process runs; all that it prints goes into the log."""
    if files:
        import resource  # here, as Windows has none

        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    given = {"max_players": 1000, **options}  # a page of each test
    serve([World.load(folder)] * copies, PlayOptions(port=port, **given), url.send)
    print("ended", flush=True)


class Served:
    """A server in a process of its own, which may open only so many files where `files` says so.

    It serves the world of the folder, or several `copies` of it.
    """

    number = itertools.count()

    def __init__(
        self, folder: Path, port: int = 0, files: int = 0, copies: int = 1, **options
    ) -> None:
        self.folder = folder
        self.log = folder.with_name(f"served-{next(self.number)}.log")
        heard, url = CONTEXT.Pipe(duplex=False)
        self.process = start(serve_folder, folder, port, files, copies, options, self.log, url)
        url.close()
        with heard:
            self.url = heard.recv()
        self.port = int(self.url.split(":")[-1].strip("/"))

    def stop(self, how: int = signal.SIGINT) -> str:
        """End it by a signal; returns what it had printed."""
        os.kill(self.process.pid, how)
        self.process.join(timeout=60)
        return self.log.read_text()

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *error) -> None:
        if self.process.exitcode is None:
            self.stop()


@pytest.fixture(scope="session")
def world_folder(random_world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("played") / "tiny"
    random_world.save(folder)
    return folder


@pytest.fixture(scope="session")
def served(world_folder):
    with Served(world_folder) as served:
        yield served


@pytest.fixture
def page(browser, served):
    """The page in a Chromium of its own, which must have nothing to complain about."""
    from .browser_page import open_page  # here, as other tests need no browser

    page = open_page(browser, served.url)
    yield page
    page.context.close()
    assert page.complaints == []

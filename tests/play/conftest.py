"""A tiny real world with random weights, and a server that plays it in a process of its own."""

import io
import json
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from playworld.models.actions import LatentActionModel
from playworld.models.dynamics import Dynamics
from playworld.models.tokenizer import VideoTokenizer
from playworld.play import PlayOptions, create_app
from playworld.presets import TINY
from playworld.world import Button, World, WorldConfig

SOCKET = "ws://127.0.0.1/api/v1/socket"
BUTTONS = ("left ←", "right →", "jump ↑", "fall ↓", "leap ↗", "wait •", "seven", "eight")

SERVE = """
import json, sys
from playworld.play import PlayOptions, serve
from playworld.world import World
given = {"max_players": 1000, **json.loads(sys.argv[3])}  # a page of each test
options = PlayOptions(port=int(sys.argv[2]), **given)
serve(World.load(sys.argv[1]), options, lambda url: print(url, flush=True))
print("ended", flush=True)
"""


def picture_bytes(seed: int, size: tuple[int, int] = (64, 64), format: str = "PNG") -> bytes:
    tiles = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(tiles).resize(size, Image.Resampling.NEAREST).save(file, format)
    return file.getvalue()


def make_world() -> World:
    torch.manual_seed(0)
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


class Served:
    """A server in a process of its own."""

    def __init__(self, folder, port: int = 0, **options) -> None:
        self.folder = folder
        program = [sys.executable, "-c", SERVE, str(folder), str(port), json.dumps(options)]
        self.process = subprocess.Popen(
            program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.url = self.process.stdout.readline().strip()
        self.port = int(self.url.split(":")[-1].strip("/"))

    def stop(self, how: int = signal.SIGINT) -> str:
        self.process.send_signal(how)
        return self.process.communicate(timeout=60)[0]

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *error) -> None:
        if self.process.poll() is None:
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

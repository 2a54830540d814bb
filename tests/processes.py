"""Processes beside that of the tests, each forked from one that has imported torch already.

They have neither the tests' checks of types nor their patches. A process of its own takes three
seconds to import what trains; this way all of them pay once.
"""

import multiprocessing
import os
import runpy
import socket
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

CONTEXT = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
# torch imports the third when it first trains, playworld the fourth when it first logs.
PRELOADED = (
    "playworld.export.train_world playworld.play.server torch._dynamo torch.utils.tensorboard"
)
CONTEXT.set_forkserver_preload([*PRELOADED.split(), "pytest"])


def call(environment: dict[str, str], function: Callable[..., object], args: tuple) -> None:
    os.environ.update(environment)
    sys.exit(function(*args))


def start(function: Callable[..., object], *args: object, **environment: str) -> BaseProcess:
    """A process that ends with what a function at the top of a module returns, None being 0."""
    process = CONTEXT.Process(target=call, args=(environment, function, args), daemon=True)
    process.start()
    return process


def script(path: Path, words: list[str], folder: Path, out: Path) -> None:
    """Run a script with these words in a folder, its output in a file."""
    os.chdir(folder)
    with out.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = [str(path), *words]
    runpy.run_path(str(path), run_name="__main__")


def run_group(count: int, function: Callable[..., object], *args: object) -> list[int | None]:
    """Exit codes of processes that find one another as those of torchrun do."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    group = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = [
        start(function, *args, RANK=str(rank), LOCAL_RANK=str(rank), **group)
        for rank in range(count)
    ]
    try:
        for process in started:
            process.join(timeout=280)
        return [process.exitcode for process in started]
    finally:
        for process in started:
            process.kill()

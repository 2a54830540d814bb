"""Times one implementation for benchmarks/peers.py, in a process of its own.

Imports neither torch nor Playworld itself: an interpreter with JAX need not have them.
"""

import argparse
import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

TASKS = ("dynamics", "tokenizer", "frame")
"""A training step of the dynamics; one of the tokenizer; the sampling of one frame."""


@dataclass(frozen=True)
class Setting:
    """The size at which all are compared, and how."""

    width: int = 128
    blocks: int = 4
    heads: int = 4
    picture: int = 64
    """Height and width of a frame, pixels; patches of 4 x 4 are tokens, with 1,024 codes."""
    clips: int = 8
    frames: int = 16
    """Of a clip, and of the window while sampling."""
    steps: int = 25
    """Refinements of a frame."""
    compiled: bool = False
    """Whether torch.compile is used in training where an implementation's own scripts use it."""

    @property
    def tokens(self) -> int:
        """Of a frame."""
        return (self.picture // 4) ** 2

    def __str__(self) -> str:
        return (
            f"width {self.width}, {self.blocks} blocks, {self.heads} heads, {self.tokens} tokens, "
            f"{self.clips} clips of {self.frames} frames, {self.steps} steps a frame"
            + ", others train with torch.compile"
            * self.compiled
        )


COMPARISON = Setting()
TINY = Setting(width=16, blocks=1, heads=2, picture=16, clips=2, frames=4, steps=2)


def rate(step: Callable[[], object], frames: int, seconds: float) -> float:
    """Frames per second by the median step, after two that warm up or compile."""
    step(), step()
    times, until = [], time.perf_counter() + seconds
    while len(times) < 2 or time.perf_counter() < until:
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    return frames / statistics.median(times)


def reason(error: BaseException, folder: str) -> str:
    """Why it failed, in a line."""
    if isinstance(error, ModuleNotFoundError):
        return f"{folder or 'Playworld'} needs the module {error.name}, missing in {sys.executable}"
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def main() -> None:
    """Write a line of JSON for each task and number format."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="which implementation")
    parser.add_argument("folder", help="its checkout, or nothing")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--formats", nargs="+", required=True, help="of numbers: fp32, bf16")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--tiny", action="store_true")
    asked = parser.parse_args()
    # What their code prints goes elsewhere.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    if hasattr(os, "sched_setaffinity"):  # XLA has no other way to take fewer threads
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: asked.threads])
    if asked.folder:
        sys.path.insert(0, asked.folder)
    size = replace(TINY if asked.tiny else COMPARISON, compiled=asked.compile)
    adapters = importlib.import_module("peers_jax" if asked.name == "jafar" else "peers_torch")
    implementation = adapters.IMPLEMENTATIONS[asked.name](size)
    for task in TASKS:
        make = getattr(implementation, task, None)
        for form in [form for form in implementation.formats if make and form in asked.formats]:
            line = {"task": task, "format": form, "note": implementation.notes.get(task)}
            frames = 1 if task == "frame" else size.clips * size.frames
            try:
                line["rate"] = rate(make(form), frames, asked.seconds)
            except Exception as error:  # of code that is not ours
                line["failed"] = reason(error, asked.folder)
            print(json.dumps(line), file=answers)


if __name__ == "__main__":
    main()

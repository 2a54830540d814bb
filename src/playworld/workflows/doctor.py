"""What this machine is, what is installed, and how long things will take on it."""

import importlib.metadata
import os
import platform
import shutil
import time
from dataclasses import replace
from pathlib import Path

import torch

from playworld.config import InputError
from playworld.machine import cores, gpu_name
from playworld.models.actions import LatentActionModel
from playworld.models.kinds import build_dynamics, build_tokenizer
from playworld.presets import PRESETS
from playworld.train.objectives import tokenizer_objective, world_objective
from playworld.train.precision import bf16_speedup, choose_precision
from playworld.train.recipe import Recipe
from playworld.train.train_step import TrainState
from playworld.world import World

PACKAGES = ("torch", "numpy", "av", "zstandard", "fastapi", "uvicorn", "torchmetrics", "gymnasium")
MEASURED = ("tiny", "small")
"""Presets whose steps are short enough to be timed here."""
SECONDS = 1.0
"""For which steps of a stage are timed, after one that warms up; the last one is finished."""


def doctor() -> str:
    """A report for people, ready to print; takes under 20 seconds on two cores."""
    sections = [
        machine(),
        installed(),
        play_speed(),
        *(training_time(PRESETS[n]) for n in MEASURED),
    ]
    return "\n\n".join(sections)


def machine() -> str:
    """Processor, memory, disk, GPU."""
    home = os.path.expanduser("~")
    disk, where = (home, "at home") if os.path.isdir(home) else (os.curdir, "here; no home folder")
    free = shutil.disk_usage(disk).free / 2**30
    gpu = gpu_name() or "none that PyTorch can use (neither CUDA nor Apple's mps)"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    chosen, speedup = choose_precision("auto", torch.device("cpu")), bf16_speedup()
    return "\n".join(
        [
            "Machine",
            f"  system     {platform.platform()}, Python {platform.python_version()}",
            f"  processor  {cores()} of {os.cpu_count()} cores allowed, "
            f"{torch.get_num_threads()} threads in use, "
            f"{matrix_speed():.0f} GFLOP/s in fp32 matrix products",
            f"  precision  {chosen} for training: in bf16 products are {speedup:.1f} times as fast",
            f"  memory     {memory:.1f} GiB",
            f"  disk       {free:.0f} GiB free {where}",
            f"  GPU        {gpu}",
        ]
    )


def matrix_speed(size: int = 1024, repeats: int = 10) -> float:
    """GFLOP/s of square fp32 matrix products."""
    a = torch.randn(size, size)
    a @ a
    begun = time.perf_counter()
    for _ in range(repeats):
        a @ a
    return repeats * 2 * size**3 / (time.perf_counter() - begun) / 1e9


def installed() -> str:
    """Versions of what matters, and whether the recorder's simulator is there."""
    lines = ["Installed"]
    for name in ("playworld", *PACKAGES):
        try:
            lines.append(f"  {name:<13}{importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            lines.append(f"  {name:<13}not installed")
    return "\n".join(lines)


def play_speed(frames: int = 20) -> str:
    """Frames per second of the built-in world, tokens to pixels included."""
    lines = ["Playing"]
    try:
        world = World.load("coinrun")
    except InputError as error:
        return "\n".join([*lines, f"  the built-in world cannot be opened: {error}"])
    _, prompt = world.prompts()[0]
    _, state = world.start(prompt[None, None], [0])
    times = []
    for number in range(frames):
        begun = time.perf_counter()
        _, state = world.step(state, [number % world.num_actions])
        times.append(time.perf_counter() - begun)
    times.sort()
    median, slow = times[len(times) // 2], times[int(0.95 * (len(times) - 1))]
    lines.append(
        f"  coinrun    {1 / median:.0f} frames per second ({1 / slow:.0f} at the 95th percentile)"
    )
    return "\n".join(lines)


def training_time(recipe: Recipe) -> str:
    """Hours that a preset takes here, from a few steps on noise."""
    torch.manual_seed(0)
    size = (recipe.tokenizer.height, recipe.tokenizer.width)
    learner, finished = build_tokenizer(recipe.tokenizer), build_tokenizer(recipe.tokenizer)
    actions, dynamics = LatentActionModel(recipe.actions), build_dynamics(recipe.dynamics)
    objectives = {
        "tokenizer": (tokenizer_objective(learner, recipe.tokenizer_loss), recipe.tokenizer_stage),
        "world": (
            world_objective(actions, dynamics, finished, recipe.world_loss),
            recipe.world_stage,
        ),
    }
    parts, total = [], 0.0
    for name, (objective, stage) in objectives.items():
        state = TrainState(objective, replace(stage, warmup_steps=1), Path(), torch.device("cpu"))
        video = torch.randint(
            256, (stage.batch_size, stage.clip_length, *size, 3), dtype=torch.uint8
        )
        state.update(video, None)
        begun, steps = time.perf_counter(), 0
        while (spent := time.perf_counter() - begun) < SECONDS:
            state.update(video, None)
            steps += 1
        per_step = spent / steps
        total += per_step * stage.steps
        parts.append(f"{name} {video.shape[0] * video.shape[1] / per_step:.0f} frames/s")
    return (
        f"Training {recipe.name!r} on this processor\n  {', '.join(parts)}; {hours(total)} in all"
    )


def hours(seconds: float) -> str:
    """A duration that people can read."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5_400 else f"{seconds / 3_600:.1f} hours"

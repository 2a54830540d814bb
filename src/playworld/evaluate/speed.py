"""How fast one player's world runs, and on what."""

import platform
import time
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from playworld.evaluate.rollouts import random_actions
from playworld.machine import cores
from playworld.world import SamplerConfig, World


def measure_speed(
    world: World,
    prompt: UInt8[Tensor, "1 P H W C"],
    frames: int,
    seed: int = 0,
    sampler: SamplerConfig | None = None,
) -> dict[str, Any]:
    """Latency of a batch of one, from the press to the RGB frame in main memory.

    `fps_median` and `fps_p95` are one over the median and over the 95th percentile of the time that
    a frame takes: half of all frames, and 19 of 20, come at least that fast. The clock starts once
    the world's window is full.
    """
    _, state = world.start(prompt, [seed])
    warm_up, seconds = world.config.dynamics.transformer.window, []
    for action in random_actions(1, warm_up + frames, world.num_actions, seed)[0]:
        begin = time.perf_counter()
        frame, state = world.step(state, action[None], sampler)
        frame.cpu()
        seconds.append(time.perf_counter() - begin)
    timed = torch.tensor(seconds[warm_up:], dtype=torch.float64)
    median, p95 = timed.quantile(0.5).item(), timed.quantile(0.95).item()
    return {
        "fps_median": 1 / median,
        "fps_p95": 1 / p95,
        "ms_median": 1000 * median,
        "ms_p95": 1000 * p95,
        "frames": frames,
    }


def hardware(device: torch.device) -> dict[str, Any]:
    """The machine that figures were taken on."""
    found = {
        "processor": processor_name(),
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "device": device.type,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    if device.type == "cuda":
        found["accelerator"] = torch.cuda.get_device_name(device)
    elif device.type == "mps":
        found["accelerator"] = "Apple GPU"
    return found


def processor_name() -> str:
    """The processor's name as the system gives it, or its architecture."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()

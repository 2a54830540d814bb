"""In which number format a training step computes its matrix products."""

import time
from functools import lru_cache
from typing import Literal

import torch

from playworld.train.distributed import any_rank

Precision = Literal["auto", "fp32", "bf16"]
"""float32, bfloat16 by autocast (weights, sums and losses stay in float32), or the faster one."""
WORTH_IT = 1.5
"""How many times as fast bfloat16 products have to be: the casts around them take time, too."""


def choose_precision(asked: Precision, device: torch.device) -> Literal["fp32", "bf16"]:
    """The precision to train in, the same in all processes; `auto` takes what is faster here."""
    if asked != "auto":
        return asked
    if device.type == "cuda":
        return "bf16"
    slower = device.type != "cpu" or bf16_speedup() < WORTH_IT
    return "fp32" if any_rank(slower) else "bf16"


@lru_cache(maxsize=1)
def bf16_speedup(size: int = 512, repeats: int = 5) -> float:
    """How many times as fast matrix products are in bfloat16 as in float32 on this processor.

    Measured, as flags do not say it: with avx512_bf16 an AMD Zen 4 is twice as fast, an Intel Xeon
    without AMX half as fast, and without the flag products take up to 500 times as long. The
    smallest product that shows it comes first, so that finding this out takes no second.
    """
    for probe in (64, size):
        a = torch.randn(probe, probe)
        ratio = _seconds(a, repeats) / _seconds(a.bfloat16(), repeats)
        if ratio < 0.5:
            break
    return ratio


def _seconds(a: torch.Tensor, repeats: int) -> float:
    """Processor time of the fastest of several products; the first one sets up the kernel."""
    a @ a
    best = float("inf")
    for _ in range(repeats):
        begun = time.thread_time()
        a @ a
        best = min(best, time.thread_time() - begun)
    return best

"""What a program may use of this machine: the cores allowed, and the device that computes."""

import math
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from playworld.config import InputError

if TYPE_CHECKING:
    import torch


def cores(root: Path = Path("/")) -> int:
    """Cores that this process may use, which can be fewer than there are.

    Affinity (taskset, cpusets) and the quota of its control group (containers) both count; of a
    quota of 2.5 cores, 2.

    Args:
        root: where /proc and /sys lie.
    """
    return max(1, math.floor(min(affinity(), quota(root))))


def affinity() -> int:
    """Cores that the system may put this process on."""
    if hasattr(os, "sched_getaffinity"):  # macOS has none
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def quota(root: Path = Path("/")) -> float:
    """Cores' worth of time that control groups leave this process; infinite without a limit."""
    least = math.inf
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, kinds, group = (line.split(":", 2) + ["", ""])[:3]
        if kinds and "cpu" not in kinds.split(","):
            continue
        mounts = ["sys/fs/cgroup"] if not kinds else [f"sys/fs/cgroup/{kinds}", "sys/fs/cgroup/cpu"]
        # Every group above counts, too. In a container the path may be one of the host, and what
        # is mounted is then the container's own group.
        parts = [part for part in Path(group).parts if part not in ("/", "..")]
        for mount in mounts:
            for depth in range(len(parts) + 1):
                least = min(least, _quota_of(root.joinpath(mount, *parts[:depth])))
    return least


def _quota_of(group: Path) -> float:
    """Of one group alone: cpu.max of version 2, cpu.cfs_quota_us of version 1."""
    numbers = _text(group / "cpu.max").split()
    if not numbers:
        numbers = [_text(group / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
    try:
        time, period = (float(number) for number in numbers)
    except ValueError:  # "max", or no such file
        return math.inf
    return time / period if time > 0 and period > 0 else math.inf


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def prepare_torch() -> None:
    """Settings that PyTorch reads when it is imported; those of the user stay.

    It asks for the affinity by itself, but not for a quota, beyond which its threads would stand
    still in turns. On a Mac, what its GPU cannot compute is computed by the processor.
    """
    if quota() < affinity():
        os.environ.setdefault("OMP_NUM_THREADS", str(cores()))
    if sys.platform == "darwin":
        os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")


def choose_device(name: str) -> "torch.device":
    """The device that was asked for.

    Args:
        name: cpu, cuda (cuda:1 is the second of several), mps (the GPU of a Mac), or auto: the
            first of cuda, mps and cpu that is there.

    Raises:
        InputError: where it is not there.
    """
    import torch

    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = torch.backends.mps.is_available()
    if name == "auto":
        return torch.device("cuda" if cuda else "mps" if mps else "cpu")
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?|mps(:0)?", name):
        raise InputError(f"device must be auto, cpu, cuda, cuda:1 ... or mps, got {name!r}")
    kind, _, number = name.partition(":")
    if kind == "cuda" and int(number or 0) >= cuda:
        found = f"{cuda} of them, numbered from 0" if cuda else "no GPU"
        raise InputError(
            f"device {name} was asked for, but PyTorch finds {found} here; use --device "
            f"{'cuda:0' if cuda else 'mps' if mps else 'cpu'}"
        )
    if kind == "mps" and not mps:
        raise InputError(
            "device mps was asked for, but PyTorch finds no Apple GPU here; use --device "
            f"{'cuda' if cuda else 'cpu'}"
        )
    return torch.device(name)


def gpu_name() -> str | None:
    """What the GPU is called that `auto` takes; None where there is none."""
    import torch

    device = choose_device("auto")
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple GPU (mps)" if device.type == "mps" else None

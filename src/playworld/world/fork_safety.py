"""Worlds in forked processes, as Gymnasium's `AsyncVectorEnv` and data loaders make them.

A fork copies the memory of PyTorch's threads and not the threads: a child that asked them for work
would wait for ever. Left with one thread it computes by itself, as do PyTorch's own workers.
"""

import multiprocessing
import os
from functools import cache

import torch


def survive_forks() -> None:
    """Give forked processes one thread: this one, if it is one, and those that come from it."""
    _ready(os.getpid())


@cache
def _ready(process: int) -> None:
    """Once in each process; a child inherits the hook, but not the answer for its own number."""
    if _is_forked():
        torch.set_num_threads(1)
    else:
        _hook()


@cache
def _hook() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


def _is_forked() -> bool:
    if multiprocessing.parent_process() is None:
        return False
    own = type(multiprocessing.current_process())._start_method  # type: ignore[attr-defined]
    return (own or multiprocessing.get_start_method()) == "fork"

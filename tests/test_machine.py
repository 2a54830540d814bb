"""Cores that are allowed, and devices that are there."""

import os
import subprocess
import sys

import pytest
import torch

from playworld.config import InputError
from playworld.machine import affinity, choose_device, cores, quota


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("files", "allowed"),
    [
        ({}, float("inf")),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, float("inf")),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        (
            {
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "200000 100000",
                "sys/fs/cgroup/a/b/cpu.max": "max 100000",
            },
            2.0,
        ),
        (
            {
                "proc/self/cgroup": "12:memory:/x\n4:cpu,cpuacct:/docker/ab\n",
                "sys/fs/cgroup/cpu,cpuacct/docker/ab/cpu.cfs_quota_us": "300000\n",
                "sys/fs/cgroup/cpu,cpuacct/docker/ab/cpu.cfs_period_us": "100000\n",
            },
            3.0,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/host/only\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            0.5,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            float("inf"),
        ),
        ({"proc/self/cgroup": "nonsense", "sys/fs/cgroup/cpu.max": "0 0"}, float("inf")),
    ],
    ids=["none", "no-limit", "v2", "v2-parent", "v1", "v1-container", "v1-no-limit", "nonsense"],
)
def test_a_quota_is_read_from_both_kinds_of_control_groups(files, allowed, tmp_path):
    write(tmp_path, files)
    assert quota(tmp_path) == allowed
    assert cores(tmp_path) == max(1, int(min(affinity(), allowed)))


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_affinity_counts():
    program = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
    program += "from playworld.machine import cores; print(cores())"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert said.stdout == b"1\n"


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"),
    [(2, True, "cuda"), (0, True, "mps"), (0, False, "cpu")],
)
def test_auto_takes_the_first_device_that_is_there(cuda, mps, chosen, monkeypatch):
    there(monkeypatch, cuda, mps)
    assert choose_device("auto") == torch.device(chosen)


def there(monkeypatch, cuda, mps):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


def test_a_device_is_named_by_its_kind_and_number(monkeypatch):
    there(monkeypatch, 2, True)
    for name in ("cpu", "cuda", "cuda:1", "mps", "mps:0"):
        assert choose_device(name) == torch.device(name)


@pytest.mark.parametrize(
    ("name", "cuda", "mps", "said"),
    [
        ("cuda", 0, False, "finds no GPU here; use --device cpu"),
        ("cuda", 0, True, "finds no GPU here; use --device mps"),
        ("cuda:2", 2, False, "finds 2 of them, numbered from 0 here; use --device cuda:0"),
        ("mps", 0, False, "finds no Apple GPU here; use --device cpu"),
        ("gpu", 1, True, "device must be auto, cpu, cuda, cuda:1 ... or mps, got 'gpu'"),
        ("cuda:-1", 1, True, "device must be"),
        ("meta", 1, True, "device must be"),
    ],
)
def test_a_device_that_is_not_there_names_one_that_is(name, cuda, mps, said, monkeypatch):
    there(monkeypatch, cuda, mps)
    with pytest.raises(InputError) as refused:
        choose_device(name)
    assert said in str(refused.value)


def test_windows_is_refused_in_one_sentence():
    program = "import sys; sys.platform = 'win32'; import playworld"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (
        "on Windows install it in the Windows Subsystem for Linux" in said.stderr.splitlines()[-1]
    )

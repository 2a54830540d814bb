"""Playworld beside other open implementations of Genie: training and sampling, in one sitting.

    python benchmarks/peers.py --threads 2 --1xgpt DIR --tinyworlds DIR
    python benchmarks/peers.py --threads 2 --jafar DIR --jax-python VENV/bin/python
    python benchmarks/peers.py --tiny --rounds 1 --seconds 0          whether it runs at all

DIR is a checkout of github.com/1x-technologies/1xgpt, AlmondGod/tinyworlds or FLAIROx/jafar. Their
models and samplers run from there, at the size of `comparison`, with the optimizer and the clipping
of their training scripts; benchmarks/peers_torch.py and benchmarks/peers_jax.py say what is timed
of each. Data are noise in memory. JAX compiles all; `--compile` has torch.compile make the training
steps of 1xgpt and TinyWorlds, as their scripts do by default. Each runs in a process of its own, on
the first cores that it may use (taskset chooses them), with as many threads and the same settings
of the allocator. They take turns, and each turn gives the median of its steps. Printed are the
median, the least and the most of the turns, and how many times as fast Playworld is in the same
number format. bf16 is left out where the processor is slower in it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import torch
from peers_child import COMPARISON, TASKS, TINY

from playworld.cli.environment import ALLOCATOR
from playworld.evaluate.speed import processor_name
from playworld.train.precision import bf16_speedup

CHILD = Path(__file__).with_name("peers_child.py")
SHOWN = {"dynamics": "frames/s", "tokenizer": "frames/s", "frame": "seconds"}


class Peer(NamedTuple):
    """An implementation to be timed."""

    name: str
    folder: str = ""
    """Its checkout; empty for Playworld."""
    python: str = sys.executable
    """The interpreter that has what it needs."""


MARKS = {
    "1xgpt": "genie/st_mask_git.py",
    "tinyworlds": "models/video_tokenizer.py",
    "jafar": "models/lam.py",
}
"""A file that every checkout has."""
Row = tuple[str, str, str]
"""Task, implementation, number format."""


def wrong(peer: Peer) -> str | None:
    """Why this implementation cannot be run, if that is seen from outside."""
    mark = MARKS.get(peer.name)
    if mark and not Path(peer.folder, mark).is_file():
        return f"{peer.folder} has no {mark}; name the folder of a checkout of {peer.name}"
    return None


def turn(peer: Peer, asked: argparse.Namespace) -> list[dict[str, str | float]]:
    """What one process measured: a line of JSON for each task and number format."""
    options = ["--seconds", str(asked.seconds), "--threads", str(asked.threads)]
    options += ["--formats", *asked.formats]
    command = [peer.python, str(CHILD), peer.name, peer.folder, *options]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(asked.threads))
    try:
        done = subprocess.run(
            command + ["--tiny"] * asked.tiny + ["--compile"] * asked.compile,
            env={**os.environ, **ALLOCATOR, **threads, "TQDM_DISABLE": "1"},
            capture_output=True,
            text=True,
        )
    except OSError as error:
        return [{"failed": f"{peer.python} does not start ({error.strerror})"}]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        found.append({"failed": f"it ended with exit status {done.returncode}: {last}"})
    return found


def measure(peers: list[Peer], asked: argparse.Namespace) -> dict[Row, list[float]]:
    """Frames per second of every turn; says once what cannot be run, and what a figure holds."""
    rates: dict[Row, list[float]] = defaultdict(list)
    said = set()
    for _ in range(asked.rounds):
        for peer in peers:
            for line in turn(peer, asked):
                task, kind = str(line.get("task", "")), str(line.get("format", ""))
                if "rate" in line:
                    rates[task, peer.name, kind].append(float(line["rate"]))
                note = line.get("failed") or line.get("note")
                label = " ".join(filter(None, (peer.name, task, kind if "failed" in line else "")))
                if note and (label, note) not in said:
                    said.add((label, note))
                    print(f"{label}: {'not run: ' * ('failed' in line)}{note}", flush=True)
    return rates


def table(rates: dict[Row, list[float]]) -> list[str]:
    """The figures, task by task, Playworld first."""
    lines = [f"{'':12}{'':11}{'':8}{'median':>10}{'least':>10}{'most':>10}  playworld / other"]
    for task in TASKS:
        medians = {
            row[1:]: statistics.median(all_) for row, all_ in rates.items() if row[0] == task
        }
        for (name, kind), rate in medians.items():
            turns = rates[task, name, kind]
            figures = [rate, min(turns), max(turns)]
            if SHOWN[task] == "seconds":
                figures = [1 / rate, 1 / max(turns), 1 / min(turns)]
            cells = "".join(f"{figure:10.4g}" for figure in figures)
            line = f"{task:12}{name:11}{kind:8}{cells}"
            if name != "playworld" and ("playworld", kind) in medians:
                line += f"  {medians['playworld', kind] / rate:.2f}"
            lines.append(f"{line}  {SHOWN[task]}" if name == "playworld" else line)
        best: dict[str, float] = {}
        for (name, _), rate in medians.items():
            best[name] = max(rate, best.get(name, 0.0))
        ours = best.pop("playworld", None)
        if ours and best:
            ratios = ", ".join(f"{ours / theirs:.2f} {name}" for name, theirs in best.items())
            lines.append(f"{task:12}best format of each: {ratios}")
    return lines


def main() -> None:
    """Run all that was named, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in MARKS:
        parser.add_argument(f"--{name}", metavar="DIR", help=f"a checkout of {name}")
    parser.add_argument("--jax-python", metavar="PYTHON", help="an interpreter that has JAX")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default 3)")
    parser.add_argument("--seconds", type=float, default=10.0, help="per figure and turn")
    parser.add_argument("--compile", action="store_true", help="train others with torch.compile")
    parser.add_argument("--tiny", action="store_true", help="a size for trying this script out")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    asked.formats = ["fp32"] if bf16_speedup() < 1 else ["fp32", "bf16"]
    size = replace(TINY if asked.tiny else COMPARISON, compiled=asked.compile)
    settings = " ".join(f"{name}={value}" for name, value in ALLOCATOR.items())
    print(
        f"{processor_name()}, {asked.threads} threads, torch {torch.__version__}, "
        f"{date.today():%Y-%m-%d}, {settings}\n{size}; {asked.rounds} turns; "
        f"matrix products are {bf16_speedup():.2g} times as fast in bf16\n"
    )
    peers = [Peer("playworld")]
    for name in MARKS:
        folder = getattr(asked, name)
        if folder is None:
            continue
        python = (asked.jax_python or sys.executable) if name == "jafar" else sys.executable
        peer = Peer(name, folder, python)
        if why := wrong(peer):
            print(f"{name}: not run: {why}")
        else:
            peers.append(peer)
    print("\n".join(["", *table(measure(peers, asked))]))


if __name__ == "__main__":
    main()

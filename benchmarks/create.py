"""One row of the table of worlds from recorded games: record, `playworld create`, measure.

    python benchmarks/create.py ninja --minutes 60
    python benchmarks/create.py climber --minutes 60 --gravity
    python benchmarks/create.py crafter --minutes 60 --python VENV/bin/python

Ninja and climber are Procgen's, with backgrounds, recorded as `playworld record` does. VENV has
crafter and ale-py (`pip install crafter==1.8.3 ale-py==0.12.1`); neither is a dependency. A folder
of videos that is there already is not recorded again. Printed is what `create` prints, and a row of
the table in docs/results.md: PSNR of rollouts beside a copy of the last frame at frames 1, 4 and 8
over all clips and over those that move, delta PSNR at frame 4 with its lower bound, and the share
of starts from which left and right work (or the two commonest moves); the same of the world that it
started from.
"""

import argparse
import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from playworld.data.options import RecordOptions
from playworld.data.record.recorder import record
from playworld.data.record.recordings import write_recording
from playworld.evaluate.page.numbers import number, share
from playworld.evaluate.speed import processor_name
from playworld.train.checkpoints import last_step
from playworld.workflows.create import create, read_report
from playworld.workflows.options import CreateOptions
from playworld.workflows.verdict import FRAMES, SIDES, moves, works_from

PROCGEN = ("ninja", "climber")
OTHERS = ("crafter", "pitfall")
PLAYER = Path(__file__).with_name("create_player.py")


def record_minutes(game: str, videos: Path, minutes: float, python: str) -> None:
    """Record a game with what is pressed, for about so many minutes."""
    if game in PROCGEN:  # episodes are cut off after 20 seconds
        record(game, videos, RecordOptions(episodes=round(3.3 * minutes), max_frames=400))
        return
    videos.mkdir(parents=True)
    command = [python, str(PLAYER), game, "--minutes", str(minutes)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as player:
        assert player.stdout is not None
        for count, line in enumerate(player.stdout):
            head = json.loads(line)
            shape = tuple(head["shape"])
            frames = np.frombuffer(player.stdout.read(int(np.prod(shape))), np.uint8)
            name, about = f"{game}-{count:04d}", {"game": game}
            keys = (head["actions"], head["names"], head["fps"])
            write_recording(videos, name, frames.reshape(shape), *keys, about)
    if player.returncode:
        sys.exit(f"{PLAYER.name} stopped with exit status {player.returncode}")


def cells(report: Any) -> list[str]:
    """The figures of a world."""
    rollout, control = report["rollout"], report["control"]
    delta = control["delta_psnr"]["4"]

    def pairs(found: Any) -> str:
        return ", ".join(
            f"{number(found['psnr'][k], 1)} / {number(found['copy_last'][k], 1)}" for k in FRAMES
        )

    return [
        pairs(rollout),
        f"{pairs(rollout['moving'])} ({rollout['moving']['clips']} of {report['clips']})",
        f"{number(delta['mean'])} (>= {number(delta['low'])})",
        " / ".join(
            f"{'' if move in SIDES else move + ' '}{share(works_from(report, move))}"
            for move in moves(report)
        ),
    ]


def main() -> None:
    """Record, create and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("game", choices=[*PROCGEN, *OTHERS])
    parser.add_argument("--minutes", type=float, default=60.0, help="for `create`")
    parser.add_argument("--video", type=float, default=30.0, help="minutes that are recorded")
    parser.add_argument("--python", default=sys.executable, help="that has crafter and ale-py")
    parser.add_argument("--folder", type=Path, default=Path("created"))
    parser.add_argument("--from", dest="start", help="as for `create`")
    parser.add_argument("--gravity", action="store_true", help="as for `create`")
    asked = parser.parse_args()
    videos = asked.folder / "videos" / asked.game
    if not videos.exists():
        record_minutes(asked.game, videos, asked.video, asked.python)
    world, run = (asked.folder / kind / asked.game for kind in ("worlds", "runs"))
    options = CreateOptions(asked.minutes, asked.start, gravity=asked.gravity, run=run)
    print(create(videos, world, options), flush=True)
    budget = json.loads((run / "budget.json").read_text())
    print(f"\n{processor_name()}, {torch.get_num_threads()} threads, {date.today()}")
    for number_, name in (
        (0, "as it came"),
        (budget["round"], f"{last_step(run / 'world')} steps"),
    ):
        if (folder := run / f"round-{number_}" / "report").exists():
            row = " | ".join(cells(read_report(folder.parent)))
            print(f"| {asked.game}, {name} | {asked.minutes:g} | {row} |")


if __name__ == "__main__":
    main()

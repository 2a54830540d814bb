"""Make a world from your own videos, step by step.

    python examples/own_videos.py VIDEOS my-world --preset small

VIDEOS is a folder of video files, no labels needed. `playworld create VIDEOS WORLD --minutes 60`
trains a built-in world further instead, within a time budget; here every step is in your hands.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from playworld import World
from playworld.data.ingest.pipeline import IngestOptions, ingest
from playworld.evaluate import EvaluateOptions, evaluate, format_table
from playworld.export.train_world import train_world
from playworld.presets import preset
from playworld.train.options import TrainOptions


def main() -> None:
    """Ingest, train, measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path)
    parser.add_argument("world", type=Path)
    parser.add_argument("--preset", default="small", help="shapes and schedules; tiny is for tests")
    parser.add_argument("--tokenizer-steps", type=int, help="instead of the preset's")
    parser.add_argument("--world-steps", type=int, help="instead of the preset's")
    args = parser.parse_args()

    # Decoded, resampled, cut into scenes, split by video; report.html there shows what was kept.
    clips = args.world.with_name(f"{args.world.name}-clips")
    report = ingest(args.videos, clips, IngestOptions(fps=10, size="64x64"))
    print(f"ingested {report['splits']['train']['frames']} frames into {clips}")

    # The same call goes on where an interrupted one stopped: its checkpoints lie in `run`.
    options = TrainOptions(run=args.world.with_name(f"{args.world.name}-run"))
    options = replace(options, tokenizer_steps=args.tokenizer_steps, world_steps=args.world_steps)
    made = train_world(preset(args.preset), clips, args.world, options)
    assert isinstance(made, World)
    print(f"its buttons: {', '.join(button.label for button in made.buttons)}")

    # On videos that training has not seen: does it predict, and does it answer its buttons?
    few = EvaluateOptions(num_clips=8, button_starts=4, long_rollouts=0, speed_frames=5)
    print(format_table(evaluate(made, clips, few)))
    print(f"play it with: playworld play {args.world}")


if __name__ == "__main__":
    main()

"""Frames per processor second of `playworld record zoo`, and what its encoder takes of that.

    python benchmarks/zoo.py [--episodes 40] [--frames 300] [--sizes 64x64 128x128 160x90]

One thread, the same films: made alone, then made and written as `record` does, lossless H.264.
"""

import argparse
import tempfile
import time
from pathlib import Path

from playworld.data.options import RecordOptions, parse_size
from playworld.data.record import record
from playworld.data.zoo.film import films
from playworld.data.zoo.game import Game
from playworld.data.zoo.screen import Screen


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--episodes", type=int, default=40)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--sizes", nargs="+", default=["64x64", "128x128", "160x90"])
    arguments = parser.parse_args()
    print(f"{arguments.episodes} episodes of {arguments.frames} frames, per processor second")
    print("size         setup      films   recorded   encoder's share   bytes a frame")
    for text in arguments.sizes:
        _row(text, arguments.episodes, arguments.frames)


def _row(text: str, episodes: int, frames: int) -> None:
    size, total = parse_size(text), episodes * frames
    begun = time.process_time()
    for seed in range(episodes):
        Screen(Game(seed, size))
    setup = time.process_time() - begun
    begun = time.process_time()
    for film in films(range(episodes), frames, size):
        for _ in film.frames():
            pass
    made = time.process_time() - begun
    with tempfile.TemporaryDirectory() as folder:
        options = RecordOptions(episodes=episodes, max_frames=frames, size=text)
        begun = time.process_time()
        record("zoo", Path(folder), options)
        recorded = time.process_time() - begun
        written = sum(path.stat().st_size for path in Path(folder).glob("*.mp4"))
    print(
        f"{text:<8}{1e3 * setup / episodes:>7.0f} ms{total / made:>11.0f}{total / recorded:>11.0f}"
        f"{1 - made / recorded:>18.0%}{written / total:>16.0f}"
    )


if __name__ == "__main__":
    main()

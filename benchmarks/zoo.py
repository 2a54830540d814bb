"""Frames per processor second of `playworld record zoo`, and what its players do.

    python benchmarks/zoo.py [--episodes 40] [--frames 300] [--sizes 64x64 128x128 160x90]

The first table: one thread, the same films made alone, then made and written as `record` does,
lossless H.264. The second counts, in games seen from the side, how often what happens.
"""

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path

from playworld.data.options import RecordOptions, parse_size
from playworld.data.record.games import FPS
from playworld.data.record.recorder import record
from playworld.data.record.zoo.film import films
from playworld.data.record.zoo.game import Game
from playworld.data.record.zoo.player import HELD
from playworld.data.record.zoo.screen import Screen


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
    seeds, frames = range(10 * arguments.episodes), arguments.frames
    games = [game for game in (Game(seed, (64, 64)) for seed in seeds) if game.heavy]
    print(f"\n{len(games)} games seen from the side, {frames} frames each")
    counts: Counter[str] = Counter()
    for game in games:
        counts.update(_counted(game, frames))
    for name, count in counts.items():
        print(f"{name:<44}{count / (len(games) * frames):>5.0%}")


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


def _counted(game: Game, frames: int) -> Counter[str]:
    """Frames in which something happens."""
    counts: Counter[str] = Counter()
    held = 0  # frames for which the jump key is down
    body, keys = game.body, game.player.keys()
    for frame in range(frames):
        if frame % HELD == 0:
            dx, up = next(keys)
        before, falls = (game.camera.x, game.camera.y), body.vy > 0 and not body.grounded
        game.step(dx, up)
        held = held + 1 if up > 0 else 0
        counts["left"] += dx < 0
        counts["right"] += dx > 0
        counts["up"] += up > 0
        counts["nothing"] += not dx and not up
        counts["the view moves"] += (game.camera.x, game.camera.y) != before
        counts["in the air"] += not (body.grounded or body.climbing or body.swimming)
        counts["on a ladder or a rope"] += body.climbing
        counts["against a wall"] += body.blocked == dx != 0
        counts["jump held on the way down"] += falls and up > 0
        counts["nothing held on the way down"] += falls and not dx and not up
        counts["jump held for more than a second"] += held > FPS
    return counts


if __name__ == "__main__":
    main()

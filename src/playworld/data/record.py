"""Simulators -> video files, with their true actions beside them for evaluation only.

Procgen needs numpy 1 and gym, so it lives in an environment of its own, in the user's cache folder,
and `procgen_player.py` runs there as a child process. Training never reads an action file.
"""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Literal

import av
import numpy as np
from jaxtyping import UInt8

from playworld.config import InputError, did_you_mean
from playworld.data.actions import ACTIONS_SUFFIX, Actions, as_json
from playworld.data.scroller import films
from playworld.data.simulator import procgen_python

FPS = 20
"""Frames per second of every recording: one simulator step is one frame."""
LEVELS_PER_SEED = 100_000
"""Levels that belong to one seed: seed s plays levels s * 100,000 and up, so that recordings with
different seeds never share a level."""
MAX_SEED = (2**31 - 1) // LEVELS_PER_SEED - 1
TOO_SHORT = 20
"""Frames below which a level is passed over: it is over at once, whatever one does."""
UNFINISHED = ".record-"
"""How the name of a folder begins that holds an episode being written."""
ATTEMPTS = 6
"""Times a level is begun again while its episode stays shorter than `min_frames`."""

ACTION_NAMES = (
    *("left-down", "left", "left-up", "down", "none", "up", "right-down", "right", "right-up"),
    *("D", "A", "W", "S", "Q", "E"),
)
"""Procgen's 15 actions: 9 directions, then 6 keys that some games use for firing."""

MOVES = tuple(range(9))
SIDES = (1, 2, 4, 5, 7, 8)
CROSS = (1, 3, 4, 5, 7)
GAMES: dict[str, tuple[int, ...]] = {
    "bigfish": MOVES,
    "bossfight": (*MOVES, 9),
    "caveflyer": (*MOVES, 9),
    "chaser": MOVES,
    "climber": SIDES,
    "coinrun": SIDES,
    "dodgeball": (*MOVES, 9),
    "fruitbot": (1, 4, 7, 9),
    "heist": MOVES,
    "jumper": SIDES,
    "leaper": CROSS,
    "maze": CROSS,
    "miner": CROSS,
    "ninja": (*SIDES, 9, 10, 11, 12),
    "plunder": (1, 4, 7, 9),
    "starpilot": (*MOVES, 9, 10),
}
"""Every game, with one action of each kind that it tells apart (measured: the same state, played
on with each action, gives as many different pictures)."""
SCROLLER = "scroller"
"""No game, but a film of two layers whose movement is known; it needs no simulator."""
MODES: dict[str, tuple[str, ...]] = {
    "extreme": ("chaser", "dodgeball", "leaper", "starpilot"),
    "memory": ("caveflyer", "dodgeball", "heist", "jumper", "maze", "miner"),
}
"""Games that have a mode; every game has "easy" and "hard"."""

Frames = UInt8[np.ndarray, "T 64 64 3"]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class RecordOptions:
    """What is recorded, and how the game looks."""

    episodes: int = 10
    """Episodes, each of another level and in a file of its own."""
    seed: int = 0
    """Chooses the levels and the player's whims. Recordings with different seeds share no level."""
    max_frames: int = 600
    """Frames (20 per second) after which an episode is cut off."""
    min_frames: int = 80
    """An episode that ends sooner is played again, up to 5 times, and the longest is kept."""
    mode: Literal["easy", "hard", "extreme", "memory"] = "easy"
    """Procgen's distribution mode."""
    backgrounds: bool = True
    """Whether the game draws its background pictures."""
    themes: Literal["one", "all"] = "one"
    """One look of walls and figures, or all that the game has."""

    def __post_init__(self) -> None:
        if not 1 <= self.episodes <= LEVELS_PER_SEED:
            raise InputError(f"episodes must be in 1..{LEVELS_PER_SEED}, got {self.episodes}")
        if not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"seed must be in 0..{MAX_SEED}, got {self.seed}")
        if not 1 <= self.max_frames <= 10_000:
            raise InputError(f"max_frames must be in 1..10000, got {self.max_frames}")
        if self.min_frames < 0:
            raise InputError(f"min_frames must be 0 or more, got {self.min_frames}")


@dataclass(frozen=True)
class Episode:
    """One episode as the simulator showed it."""

    level_seed: int
    frames: Frames
    actions: tuple[int, ...]
    """The action taken from each frame."""


def record(
    game: str, out: Path, options: RecordOptions, progress: Progress | None = None
) -> dict[str, object]:
    """Play `game` and write one lossless H.264 video and one action file per episode.

    The same game and options give the same frames and actions. Files appear whole or not at all.

    Returns:
        Counts: `game`, `episodes`, `frames`, `seconds`, `shortest` and `longest` episode, `folder`.

    Raises:
        InputError: For an unknown game, a mode it does not have, a machine without Procgen, or an
            `out` that is a file.
    """
    if game != SCROLLER:
        check_game(game, options.mode)
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: record needs a folder to write videos into")
    episodes = scrolled(options) if game == SCROLLER else play(procgen_python(), game, options)
    out.mkdir(parents=True, exist_ok=True)
    clear_stale(out)
    lengths = []
    for episode in episodes:
        stem = f"{game}-{episode.level_seed:010d}"
        write_episode(out, stem, game, episode, options)
        lengths.append(len(episode.actions))
        if progress is not None:
            progress(len(lengths), options.episodes, f"{sum(lengths)} frames")
    return {
        "game": game,
        "folder": str(out),
        "episodes": len(lengths),
        "frames": sum(lengths),
        "seconds": sum(lengths) / FPS,
        "shortest": min(lengths),
        "longest": max(lengths),
    }


def clear_stale(out: Path) -> None:
    """Remove what a recorder that was killed has left unfinished, an hour or longer ago."""
    for folder in out.glob(f"{UNFINISHED}*"):
        if time.time() - folder.stat().st_mtime > 3600:
            shutil.rmtree(folder, ignore_errors=True)


def check_game(game: str, mode: str) -> None:
    """Raise InputError unless Procgen has this game in this mode."""
    if game not in GAMES:
        raise InputError(f"unknown game {game!r}, {did_you_mean(game, [*GAMES, SCROLLER])}")
    if game not in MODES.get(mode, GAMES):
        games = ", ".join(MODES[mode])
        raise InputError(f"{game} has no mode {mode!r} (only {games} have): use easy or hard")


def levels(seed: int) -> range:
    """Return the level seeds that belong to one seed."""
    return range(seed * LEVELS_PER_SEED, (seed + 1) * LEVELS_PER_SEED)


def scrolled(options: RecordOptions) -> Iterator[Episode]:
    """The films of these options: only their number, their length and the seed count."""
    first = levels(options.seed).start
    seeds = range(first, first + options.episodes)
    return (Episode(*film) for film in films(seeds, options.max_frames))


def play(python: Path, game: str, options: RecordOptions) -> Iterator[Episode]:
    """Run the player in `python` and yield its episodes as they end."""
    own = levels(options.seed)
    request = {
        "env": {
            "env_name": game,
            "distribution_mode": options.mode,
            "use_backgrounds": options.backgrounds,
            "restrict_themes": options.themes == "one",
        },
        "levels": [own.start, own.stop],
        "episodes": options.episodes,
        "too_short": min(TOO_SHORT, options.max_frames),
        "actions": GAMES[game],
        "player": "runner" if game == "coinrun" else "wanderer",
        "attempts": ATTEMPTS,
        "min_frames": min(options.min_frames, options.max_frames),
        "max_frames": options.max_frames,
    }
    script = Path(__file__).with_name("procgen_player.py")
    # -I: neither the folder of the script nor the user's environment may shadow a module.
    command = [str(python), "-I", str(script), json.dumps(request)]
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said)
        try:
            yield from _episodes(child, options.episodes)
        except EOFError as error:
            child.wait()
            said.seek(0)
            words = said.read().decode(errors="replace").strip().splitlines()
            raise RuntimeError(
                f"the Procgen player in {python} stopped (exit status {child.returncode}): "
                f"{words[-1] if words else 'it said nothing'}"
            ) from error
        finally:
            child.kill()
            child.communicate()


def _episodes(child: "subprocess.Popen[bytes]", count: int) -> Iterator[Episode]:
    assert child.stdout is not None
    for _ in range(count):
        line = child.stdout.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        head = json.loads(line)
        size = head["frames"] * 64 * 64 * 3
        raw = child.stdout.read(size)
        if len(raw) != size:
            raise EOFError
        frames = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 64, 64, 3)
        yield Episode(head["level_seed"], frames, tuple(head["actions"]))


def write_episode(
    out: Path, stem: str, game: str, episode: Episode, options: RecordOptions
) -> None:
    """Write `stem`.mp4 and `stem`.actions.json into `out`; each appears whole or not at all."""
    about = {"game": game, "level_seed": episode.level_seed, "options": asdict(options)}
    write_recording(out, stem, episode.frames, episode.actions, ACTION_NAMES, FPS, about)


def write_recording(
    out: Path,
    stem: str,
    frames: Iterable[UInt8[np.ndarray, "H W 3"]],
    actions: Sequence[int],
    names: Sequence[str],
    fps: float,
    about: Mapping[str, object],
) -> None:
    """Write a video and its true actions as `stem`.mp4 and `stem`.actions.json into `out`.

    Each file appears whole or not at all.

    Args:
        out: a folder.
        stem: what the files are called.
        frames: at least one.
        actions: the action taken from each frame, an index into `names`; there may be none from
            the last frame.
        names: what each action is called.
        fps: frames per second.
        about: what else the action file says.
    """
    truth = Actions(tuple(k / fps for k in range(len(actions))), tuple(actions), tuple(names))
    # The actions first: a video whose truth is missing would count as one without any.
    with tempfile.TemporaryDirectory(dir=out, prefix=UNFINISHED) as folder:
        text, video = Path(folder, "actions.json"), Path(folder, "video.mp4")
        text.write_text(json.dumps(as_json(truth, fps, about)))
        write_video(video, frames, fps)
        text.replace(out / f"{stem}{ACTIONS_SUFFIX}")
        video.replace(out / f"{stem}.mp4")


def write_video(path: Path, frames: Iterable[UInt8[np.ndarray, "H W 3"]], fps: float = FPS) -> None:
    """Write frames, at least one, as H.264 in MP4, losslessly.

    RGB at CRF 0 decodes to the very same bytes and takes 2.2 kB per 64x64 frame, where 4:4:4 YUV
    takes 1.4 kB at 52 dB and 4:2:0 at CRF 18 measured 30 dB on such sprites.
    """
    rest = iter(frames)
    first = next(rest)
    with av.open(str(path), "w", format="mp4") as container:
        rate = Fraction(fps).limit_denominator(1001)
        stream = container.add_stream("libx264rgb", rate=rate)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "rgb24"
        stream.time_base = 1 / rate
        stream.options = {"crf": "0", "preset": "medium"}
        # One thread: the bytes of the file then do not depend on the machine's number of cores.
        stream.codec_context.thread_count = 1
        for frame in chain([first], rest):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())

"""Simulators -> video files, with their true actions beside them for evaluation only.

Procgen needs numpy 1 and gym, so it lives in an environment of its own, in the user's cache folder,
and `procgen_player.py` runs there as a child process. Training never reads an action file.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from jaxtyping import UInt8

from playworld.config import InputError, did_you_mean
from playworld.data.actions import ACTIONS_SUFFIX, Actions, ContinuousActions, as_json
from playworld.data.child import Child
from playworld.data.fetch import film as fetch
from playworld.data.fetch.scene import COMMANDS
from playworld.data.scroller import films
from playworld.data.simulator import procgen_python
from playworld.data.video import parse_size

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
EXPERT_HOLDS = 2
"""Frames for which the expert holds each action: one frame of a world at 10 frames per second, so
that each of its transitions has one action."""
HOPELESS = 100
"""Levels after which the expert stops unless it has solved one."""
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
FETCH: dict[str, tuple[str, ...]] = {
    "fetch": ("push", "pick"),
    "fetch-push": ("push",),
    "fetch-pick": ("pick",),
    "fetch-door": ("door",),
}
"""No games, but a robot at a table: what it does there, in turn."""
MODES: dict[str, tuple[str, ...]] = {
    "extreme": ("chaser", "dodgeball", "leaper", "starpilot"),
    "memory": ("caveflyer", "dodgeball", "heist", "jumper", "maze", "miner"),
}
"""Games that have a mode; every game has "easy" and "hard"."""

Frames = UInt8[np.ndarray, "T H W 3"]
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
    size: str = "64x64"
    """WIDTHxHEIGHT of a film of the robot; games are always 64x64."""
    player: Literal["explorer", "expert"] = "explorer"
    """Who plays: one that roams, or CoinRun's expert, which runs from the start to the coin."""
    blunders: float = 0.0
    """Share of the expert's episodes that begin where random keys, not recorded, have led."""

    def __post_init__(self) -> None:
        if not 1 <= self.episodes <= LEVELS_PER_SEED:
            raise InputError(f"episodes must be in 1..{LEVELS_PER_SEED}, got {self.episodes}")
        if not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"seed must be in 0..{MAX_SEED}, got {self.seed}")
        if not 1 <= self.max_frames <= 10_000:
            raise InputError(f"max_frames must be in 1..10000, got {self.max_frames}")
        if self.min_frames < 0:
            raise InputError(f"min_frames must be 0 or more, got {self.min_frames}")
        if not 0 <= self.blunders <= 1:
            raise InputError(f"blunders must be a share, 0 to 1, got {self.blunders}")
        parse_size(self.size)


@dataclass(frozen=True)
class Episode:
    """One episode as the simulator showed it."""

    level_seed: int
    frames: Frames
    actions: tuple[int, ...] | tuple[tuple[float, ...], ...]
    """The action taken from each frame: an index into `names`, or a number for each of them."""
    names: tuple[str, ...] = ACTION_NAMES
    about: Mapping[str, object] = field(default_factory=dict)
    """What else is to stand in the action file."""
    solved: bool | None = None
    """Whether an expert reached the coin; a level that it cannot solve has no frames."""


def record(
    game: str, out: Path, options: RecordOptions, progress: Progress | None = None
) -> dict[str, object]:
    """Play `game` and write one lossless H.264 video and one action file per episode.

    The same game and options give the same frames and actions. Files appear whole or not at all.

    Returns:
        Counts: `game`, `episodes`, `frames`, `seconds`, `shortest` and `longest` episode, `folder`,
        and `unsolved`, the levels that an expert passed over.

    Raises:
        InputError: For an unknown game, a mode it does not have, a machine without Procgen, or an
            `out` that is a file.
    """
    check_game(game, options)
    if options.player == "expert" and game != "coinrun":
        raise InputError(f"only coinrun has an expert: record {game} without --player expert")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: record needs a folder to write videos into")
    if game == SCROLLER:
        episodes = scrolled(options)
    elif game in FETCH:
        episodes = handled(game, options)
    else:
        episodes = play(procgen_python(), game, options)
    out.mkdir(parents=True, exist_ok=True)
    clear_stale(out)
    lengths: list[int] = []
    unsolved = 0
    for episode in episodes:
        if episode.solved is False:
            unsolved += 1
            continue
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
        "unsolved": unsolved,
    }


def clear_stale(out: Path) -> None:
    """Remove what a recorder that was killed has left unfinished, an hour or longer ago."""
    for folder in out.glob(f"{UNFINISHED}*"):
        if time.time() - folder.stat().st_mtime > 3600:
            shutil.rmtree(folder, ignore_errors=True)


def check_game(game: str, options: RecordOptions) -> None:
    """Raise InputError unless there is this game in this mode and size."""
    known = [*GAMES, *FETCH, SCROLLER]
    if game not in known:
        raise InputError(f"unknown game {game!r}, {did_you_mean(game, known)}")
    if game in FETCH:
        return
    if options.size != "64x64":
        raise InputError(f"{game} is 64x64 pixels, only fetch can be {options.size}: no --size")
    mode = options.mode
    if game != SCROLLER and game not in MODES.get(mode, GAMES):
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


def handled(game: str, options: RecordOptions) -> Iterator[Episode]:
    """The films of a robot, with what it was told and where hand and thing were."""
    first = levels(options.seed).start
    seeds = range(first, first + options.episodes)
    size = parse_size(options.size)
    for film in fetch.films(FETCH[game], seeds, options.max_frames, size):
        about = {"task": film.task, "hand": film.hand, "thing": film.thing}
        yield Episode(film.seed, film.frames, film.commands, COMMANDS, about)


def play(python: Path, game: str, options: RecordOptions) -> Iterator[Episode]:
    """Run the player in `python` and yield its episodes as they end."""
    if options.player == "expert":
        yield from demonstrate(python, options)
        return
    own = levels(options.seed)
    request = {
        "env": look(game, options),
        "levels": [own.start, own.stop],
        "episodes": options.episodes,
        "too_short": min(TOO_SHORT, options.max_frames),
        "actions": GAMES[game],
        "player": "runner" if game == "coinrun" else "wanderer",
        "attempts": ATTEMPTS,
        "min_frames": min(options.min_frames, options.max_frames),
        "max_frames": options.max_frames,
    }
    with Child(python, "procgen_player.py", request) as child:
        for _ in range(options.episodes):
            yield _episode(child)


def demonstrate(python: Path, options: RecordOptions) -> Iterator[Episode]:
    """Run CoinRun's expert in `python` and yield its levels until it has solved enough.

    Raises:
        InputError: If it solves none of the first ones.
    """
    own = levels(options.seed)
    request = {
        "env": look("coinrun", options),
        "levels": [own.start, own.stop],
        "hold": EXPERT_HOLDS,
        "blunders": options.blunders,
        "max_frames": options.max_frames,
    }
    solved = 0
    with Child(python, "procgen_expert.py", request) as child:
        for tried in range(1, len(own) + 1):
            episode = _episode(child)
            yield episode
            solved += bool(episode.solved)
            if solved == options.episodes:
                return
            if tried == HOPELESS and not solved:
                raise InputError(
                    f"the expert solved none of {tried} levels within max_frames="
                    f"{options.max_frames}: allow it more frames, such as 600"
                )


def look(game: str, options: RecordOptions) -> dict[str, object]:
    """Return what the simulator is told about a game and how it looks."""
    return {
        "env_name": game,
        "distribution_mode": options.mode,
        "use_backgrounds": options.backgrounds,
        "restrict_themes": options.themes == "one",
    }


def _episode(child: Child) -> Episode:
    head = json.loads(child.line())
    raw = child.read(head.pop("frames") * 64 * 64 * 3)
    frames = np.frombuffer(raw, dtype=np.uint8).reshape(-1, 64, 64, 3)
    return Episode(frames=frames, **{**head, "actions": tuple(head["actions"])})


def write_episode(
    out: Path, stem: str, game: str, episode: Episode, options: RecordOptions
) -> None:
    """Write `stem`.mp4 and `stem`.actions.json into `out`; each appears whole or not at all."""
    about = {"game": game, "level_seed": episode.level_seed, "options": asdict(options)}
    about |= episode.about
    if episode.solved is not None:
        about |= {"player": options.player, "solved": episode.solved}
    write_recording(out, stem, episode.frames, episode.actions, episode.names, FPS, about)


def write_recording(
    out: Path,
    stem: str,
    frames: Iterable[UInt8[np.ndarray, "H W 3"]],
    actions: Sequence[int] | Sequence[Sequence[float]],
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
        actions: the action taken from each frame, an index into `names` or a number for each of
            them; there may be none from the last frame.
        names: what each action, or each number, is called.
        fps: frames per second.
        about: what else the action file says.
    """
    times = tuple(k / fps for k in range(len(actions)))
    numbers = any(isinstance(row, Sequence) for row in actions)
    kind: Any = ContinuousActions if numbers else Actions
    truth: Actions | ContinuousActions = kind(times, tuple(actions), tuple(names))
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

"""Simulators -> video files, with their true actions beside them for evaluation only.

Procgen needs numpy 1 and gym, so it lives in an environment of its own, in the user's cache folder,
and `procgen/player.py` runs there as a child process. Training never reads an action file.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from playworld.atomic import folder_at
from playworld.config import InputError, did_you_mean
from playworld.data.options import RecordOptions, parse_size
from playworld.data.record.fetch import film as fetch
from playworld.data.record.fetch.scene import COMMANDS
from playworld.data.record.games import (
    ACTION_NAMES,
    FETCH,
    FPS,
    GAMES,
    MODES,
    PICTURES,
    PLATFORMS,
    SCROLLER,
    SETS,
    ZOO,
    levels,
)
from playworld.data.record.procgen.install import procgen_python
from playworld.data.record.recordings import write_recording
from playworld.data.record.scroller import films
from playworld.data.record.unseen import film as pictures
from playworld.data.record.worker_process import WorkerProcess
from playworld.data.record.zoo import film as zoo
from playworld.progress import Progress, silent
from playworld.words import counted

TOO_SHORT = 20
"""Frames below which a level is passed over: it is over at once, whatever one does."""
EXPERT_HOLDS = 2
"""Frames for which the expert holds each action: one frame of a world at 10 frames per second, so
that each of its transitions has one action."""
HOPELESS = 100
"""Levels after which the expert stops unless it has solved one."""
ATTEMPTS = 6
"""Times a level is begun again while its episode stays shorter than `min_frames`."""

Frames = Iterable[UInt8[np.ndarray, "H W 3"]]


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
    game: str, out: Path, options: RecordOptions, progress: Progress = silent
) -> dict[str, object]:
    """Play `game` and write one lossless H.264 video and one action file per episode.

    The same game and options give the same frames and actions. Files appear whole or not at all.
    Of a set of games (`games.SETS`), each has so many episodes in a folder of its own.

    Returns:
        Counts: `game`, `episodes`, `frames`, `seconds`, `shortest` and `longest` episode, `folder`,
        and `unsolved`, the levels that an expert passed over.

    Raises:
        InputError: For an unknown game, a mode it does not have, a machine without Procgen, or an
            `out` that is a file.
    """
    parts = members(game, out, options)
    for name, _, own in parts:
        check_game(name, own)
    if options.player == "expert" and game != "coinrun":
        raise InputError(f"only coinrun has an expert: record {game} without --player expert")
    if options.player == "holder" and any(name not in GAMES for name, _, _ in parts):
        raise InputError(f"{game} has a player of its own: record it without --player holder")
    lengths: list[int] = []
    unsolved = 0
    for name, folder, own in parts:
        folder_at(folder)
        for episode in played(name, own):
            if episode.solved is False:
                unsolved += 1
                continue
            write_episode(folder, f"{name}-{episode.level_seed:010d}", name, episode, own)
            lengths.append(len(episode.actions))
            every = len(parts) * options.episodes
            progress(len(lengths), every, counted(sum(lengths), "frame"))
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


def members(game: str, out: Path, options: RecordOptions) -> list[tuple[str, Path, RecordOptions]]:
    """What is recorded under a name: a game, the folder and the options for it, or several.

    Raises:
        InputError: For a set without its backgrounds.
    """
    if game not in SETS:
        return [(game, out, options)]
    if not options.backgrounds:
        raise InputError(
            f"{game} is a set of looks: record it with backgrounds, or a game of it without"
        )
    all_looks, own_look = (replace(options, themes=themes) for themes in ("all", "one"))
    return [(name, out / name, all_looks if name in GAMES else own_look) for name in SETS[game]]


def played(game: str, options: RecordOptions) -> Iterator[Episode]:
    """The episodes of one game, as they end."""
    if game == SCROLLER:
        return scrolled(options)
    if game in (ZOO, PLATFORMS):
        return invented(game, options)
    if game in PICTURES:
        return pictured(game, options)
    if game in FETCH:
        return handled(game, options)
    return play(procgen_python(), game, options)


def check_game(game: str, options: RecordOptions) -> None:
    """Raise InputError unless there is this game in this mode and size."""
    known = [*GAMES, *FETCH, SCROLLER, ZOO, PLATFORMS, *PICTURES]
    if game not in known:
        raise InputError(f"unknown game {game!r}, {did_you_mean(game, [*known, *SETS])}")
    if game in FETCH:
        return
    if game in (ZOO, PLATFORMS, *PICTURES):
        chosen = options.mode, options.backgrounds, options.themes, options.smooth
        if chosen != ("easy", True, "one", False):
            raise InputError(
                f"every episode of {game} has a look of its own: "
                f"record {game} without --mode, --no-backgrounds, --themes and --smooth"
            )
        return
    if options.size != "64x64":
        raise InputError(
            f"{game} is 64x64 pixels, only fetch, zoo, platforms, photo and drawn can be "
            f"{options.size}: no --size"
        )
    if options.smooth and (game == SCROLLER or options.player == "expert"):
        raise InputError(
            "only Procgen's games can be drawn smoothly, and not for an expert, whose pupils see "
            "the game's own pictures: record without --smooth"
        )
    mode = options.mode
    if game != SCROLLER and game not in MODES.get(mode, GAMES):
        games = ", ".join(MODES[mode])
        raise InputError(f"{game} has no mode {mode!r} (only {games} have): use easy or hard")


def own_seeds(options: RecordOptions) -> range:
    """The seeds of the episodes, which no other seed of a recording has."""
    return levels(options.seed)[: options.episodes]


def scrolled(options: RecordOptions) -> Iterator[Episode]:
    """The films of these options: only their number, their length and the seed count."""
    return (Episode(*film) for film in films(own_seeds(options), options.max_frames))


def handled(game: str, options: RecordOptions) -> Iterator[Episode]:
    """The films of a robot, with its commands and the positions of hand and thing."""
    size = parse_size(options.size)
    for film in fetch.films(FETCH[game], own_seeds(options), options.max_frames, size):
        about = {"task": film.task, "hand": film.hand, "thing": film.thing}
        yield Episode(film.seed, film.frames, film.commands, COMMANDS, about)


def invented(game: str, options: RecordOptions) -> Iterator[Episode]:
    """The films of the zoo, each of a game of its own; of platform games alone, where asked for."""
    size, platforms = parse_size(options.size), game == PLATFORMS
    for film in zoo.films(own_seeds(options), options.max_frames, size, platforms):
        yield Episode(film.seed, film.frames(), film.keys, about=film.about)


def pictured(game: str, options: RecordOptions) -> Iterator[Episode]:
    """The films of photo-like or of drawn scenes."""
    for film in pictures.films(
        game, own_seeds(options), options.max_frames, parse_size(options.size)
    ):
        yield Episode(film.seed, film.frames(), film.keys, about=film.about)


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
        "holds": options.player == "holder",
        "attempts": ATTEMPTS,
        "min_frames": min(options.min_frames, options.max_frames),
        "max_frames": options.max_frames,
    }
    with closing(WorkerProcess(python, "procgen/player.py", request)) as child:
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
    with closing(WorkerProcess(python, "procgen/expert.py", request)) as child:
        for tried in range(1, len(own) + 1):
            episode = _episode(child)
            yield episode
            solved += bool(episode.solved)
            if solved == options.episodes:
                return
            if tried == HOPELESS and not solved:
                raise InputError(
                    f"the expert solved none of {counted(tried, 'level')} within max_frames="
                    f"{options.max_frames}: allow it more frames, such as 600"
                )


def look(game: str, options: RecordOptions) -> dict[str, object]:
    """Options of the simulator for a game and its look."""
    return {
        "env_name": game,
        "distribution_mode": options.mode,
        "use_backgrounds": options.backgrounds,
        "restrict_themes": options.themes == "one",
        "render_mode": "rgb_array" if options.smooth else None,
    }


def _episode(child: WorkerProcess) -> Episode:
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

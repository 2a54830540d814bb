"""Check that a world, clips and the game that is played go together, before anything is made."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from playworld.agents.arena import SIDE, ArenaOptions
from playworld.config import InputError
from playworld.data.clips.dataset import ClipDataset
from playworld.data.clips.split_names import SPLITS
from playworld.data.record.actions import ACTIONS_SUFFIX
from playworld.data.record.games import FPS
from playworld.world import World


def refuse_other_films(world: World, height: int, width: int, fps: float) -> None:
    """Raise InputError unless films are as large and as fast as those that a world learned from."""
    if (height, width) != (world.height, world.width):
        size = f"{world.width}x{world.height}"
        raise InputError(
            f"the world learned from pictures of {size}, these clips are {width}x{height}: ingest "
            f"again with --size {size}"
        )
    if fps != world.fps:
        raise InputError(
            f"the world learned from {world.fps:g} frames per second, these clips have {fps:g}: "
            f"ingest again with --fps {world.fps:g}"
        )


def hold_of(world: World, clips: Path) -> int:
    """Game steps that one transition of the clips spans: for so many a press is held in the game.

    Raises:
        InputError: for a world or clips of which the game can show nothing alike.
    """
    if (world.height, world.width) != (SIDE, SIDE):
        raise InputError(
            f"the game is {SIDE}x{SIDE}, this world {world.width}x{world.height}: choose a world "
            "of the game's size, such as coinrun"
        )
    shown = ClipDataset(clips, "train", 1)
    refuse_other_films(world, shown.height, shown.width, shown.fps)
    hold = FPS / shown.fps
    if not math.isclose(hold, round(hold)):
        raise InputError(
            f"the game takes {FPS} steps a second, which {shown.fps:g} frames do not divide: "
            "choose a world and clips of 20, 10, 5 or 4 frames per second"
        )
    return round(hold)


def refuse_games(clips: Path, games: Iterable[ArenaOptions]) -> None:
    """Raise InputError if games are of recorded levels, or look otherwise than the recordings.

    What recordings are is known from their action files; without those, nothing is refused.
    """
    videos = {
        dataset.videos / scene.source
        for dataset in (ClipDataset(clips, split, 1) for split in SPLITS)
        for scene in dataset.scenes
    }
    files = (video.with_suffix(ACTIONS_SUFFIX) for video in videos)
    recordings = [json.loads(path.read_text()) for path in files if path.is_file()]
    for arena in games:
        _refuse_recorded(recordings, arena.played)
        _refuse_other_look(recordings, arena)


def _refuse_recorded(recordings: Sequence[dict[str, Any]], played: range) -> None:
    recorded = {about["level_seed"] for about in recordings if "level_seed" in about}
    for level in sorted(recorded & set(played)):
        raise InputError(
            f"level {level} is among the recordings: choose other --levels, the seed of a "
            "recording that was never made"
        )


def _refuse_other_look(recordings: Sequence[dict[str, Any]], arena: ArenaOptions) -> None:
    looks = [about.get("options", {}) for about in recordings]
    modes, backgrounds, themes = (
        {look[name] for look in looks if name in look} for name in ("mode", "backgrounds", "themes")
    )
    for mode in modes - {arena.difficulty}:
        raise InputError(
            f"the clips show {mode} levels, the games are {arena.difficulty}: pass --difficulty "
            f"{mode}, or record with --mode {arena.difficulty}"
        )
    if backgrounds - {arena.backgrounds}:
        raise InputError(
            "the clips show background pictures, the games have none: record with --no-backgrounds"
        )
    if themes - {arena.themes}:
        raise InputError(
            "the clips show several themes, the games have one: record with --themes one"
        )

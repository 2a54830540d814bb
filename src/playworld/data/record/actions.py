"""Action files: what was really done in a video, beside it, for evaluation only (docs/record.md).

`clip.mp4` has its truth in `clip.actions.json`: one row per frame of the file, with the frame's
time and what was done *from* that frame on. A game has one of a few named actions per frame, a
robot a vector of numbers.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playworld.config import InputError
from playworld.data.ingest.sources import ACTIONS_SUFFIX


@dataclass(frozen=True)
class Actions:
    """The true actions of a video whose player had a few to choose from, such as keys."""

    times: tuple[float, ...]
    """Seconds since the start, one per source frame."""
    actions: tuple[int, ...]
    """The action taken from each source frame, an index into `names`."""
    names: tuple[str, ...]
    """What each action is called."""


@dataclass(frozen=True)
class ContinuousActions:
    """The true actions of a video of something that is steered by numbers, such as a robot."""

    times: tuple[float, ...]
    """Seconds since the start, one per source frame."""
    vectors: tuple[tuple[float, ...], ...]
    """What was commanded from each source frame on, in the robot's own units."""
    names: tuple[str, ...]
    """What each number is called."""


def as_json(
    truth: Actions | ContinuousActions, fps: float, about: Mapping[str, object]
) -> dict[str, Any]:
    """What an action file holds; `about` is whatever else it is to say."""
    rows = truth.actions if isinstance(truth, Actions) else map(list, truth.vectors)
    return {
        **about,
        "fps": fps,
        "times": list(truth.times),
        "actions": list(rows),
        "action_names": list(truth.names),
    }


def read_actions(video: Path) -> Actions | ContinuousActions | None:
    """The true actions that lie beside a video; None where there are none.

    Raises:
        InputError: if the action file is there but not one that can be used.
    """
    path = video.with_suffix(ACTIONS_SUFFIX)
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text())
        times = tuple(float(time) for time in data["times"])
        names = tuple(str(name) for name in data["action_names"])
        rows = list(data["actions"])
        if any(isinstance(row, list) for row in rows):
            vectors = tuple(tuple(float(number) for number in row) for row in rows)
            found: Actions | ContinuousActions = ContinuousActions(times, vectors, names)
        else:
            found = Actions(times, tuple(int(row) for row in rows), names)
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} is no action file: {type(error).__name__} {error}") from error
    if len(times) != len(rows):
        raise InputError(
            f"{path} has {len(times)} times but {len(rows)} actions: it needs one of each per frame"
        )
    _check_rows(path, found)
    return found


def _check_rows(path: Path, found: Actions | ContinuousActions) -> None:
    count = len(found.names)
    if isinstance(found, Actions):
        if any(not 0 <= action < count for action in found.actions):
            raise InputError(f"{path} has an action outside 0..{count - 1}")
    elif any(len(row) != count or not all(map(math.isfinite, row)) for row in found.vectors):
        raise InputError(f"{path} has an action that is not {count} finite numbers")

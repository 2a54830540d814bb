"""LeRobot datasets on the local disk: which episodes there are, where, and what was done in them.

A dataset of version 3 keeps many episodes in one MP4 and one Parquet file and says in
`meta/episodes` where each begins; in versions 2.0 and 2.1 each episode has files of its own. A
dataset may come from a stranger: no path that it names leads out of its folder.
"""

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from playworld.config import InputError, did_you_mean
from playworld.data.actions import Actions, ContinuousActions
from playworld.data.shards import read_json

MOST_KEYS = 1_024
"""Whole numbers below it are keys; larger ones are positions of something."""


@dataclass(frozen=True)
class Episode:
    """Where one episode lies, and what else is known of it."""

    index: int
    frames: int
    video: Path
    start: float
    """Seconds into the video."""
    data: Path
    """Parquet file with its actions."""
    tasks: tuple[str, ...]
    """What was to be done, in words."""


@dataclass(frozen=True)
class Dataset:
    """A LeRobot dataset of version 2.0, 2.1 or 3 on the local disk, seen from one camera."""

    folder: Path
    camera: str
    fps: float
    info: Mapping[str, Any]
    """What meta/info.json says."""

    @staticmethod
    def open(folder: Path, camera: str | None = None) -> "Dataset":
        """Read the description of a dataset.

        Raises:
            InputError: where there is none, or no such camera.
        """
        if not (folder / "meta" / "info.json").is_file():
            raise InputError(f"{folder} is no LeRobot dataset: it has no meta/info.json")
        info = read_json(folder / "meta" / "info.json")
        version = str(info.get("codebase_version"))
        if not re.fullmatch(r"v[23]\.[0-9]+", version):
            raise InputError(f"{folder} is of version {version}; versions 2 and 3 can be read")
        try:
            cameras = [k for k, f in info["features"].items() if f["dtype"] == "video"]
            fps = float(info["fps"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{folder}/meta/info.json is damaged: {error!r}") from error
        if not 0.1 <= fps <= 1000:
            raise InputError(f"{folder}/meta/info.json says {fps} frames per second")
        return Dataset(folder, _choose(folder, cameras, camera), fps, info)

    def episodes(self) -> list[Episode]:
        """All episodes, in the order of their numbers.

        Raises:
            InputError: where the list of them is missing or makes no sense.
        """
        read = self._grouped if self.info["codebase_version"].startswith("v3") else self._single
        try:
            return sorted(read(), key=lambda episode: episode.index)
        except (KeyError, TypeError, ValueError, OSError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{self.folder}: its episodes cannot be read ({error!r})") from error

    def _grouped(self) -> Iterator[Episode]:
        """Version 3: many episodes to a file."""
        files = sorted((self.folder / "meta" / "episodes").glob("*/*.parquet"))
        if not files:
            raise InputError(f"{self.folder} has no list of episodes in meta/episodes")
        place = f"videos/{self.camera}/"
        columns = [place + "chunk_index", place + "file_index", place + "from_timestamp"]
        columns += ["episode_index", "length", "data/chunk_index", "data/file_index", "tasks"]
        for row in (row for file in files for row in read_table(file, columns).to_pylist()):
            video = self._path("video_path", row[columns[0]], row[columns[1]])
            data = self._path("data_path", row["data/chunk_index"], row["data/file_index"])
            start, tasks = float(row[columns[2]]), tuple(map(str, row["tasks"] or ()))
            yield Episode(int(row["episode_index"]), int(row["length"]), video, start, data, tasks)

    def _single(self) -> Iterator[Episode]:
        """Versions 2.0 and 2.1: each episode in files of its own."""
        for line in (self.folder / "meta" / "episodes.jsonl").read_text().splitlines():
            row = json.loads(line)
            index = int(row["episode_index"])
            chunk = index // int(self.info["chunks_size"])
            video, data = (self._path(k, chunk, index) for k in ("video_path", "data_path"))
            tasks = tuple(map(str, row.get("tasks") or ()))
            yield Episode(index, int(row["length"]), video, 0.0, data, tasks)

    def _path(self, template: str, chunk: int, number: int) -> Path:
        """A file that a template of meta/info.json names; never one outside the dataset."""
        fields = {"video_key": self.camera, "chunk_index": int(chunk), "file_index": int(number)}
        fields |= {"episode_chunk": int(chunk), "episode_index": int(number)}

        def value(match: re.Match[str]) -> str:
            return str(fields[match[1]]).zfill(int(match[2] or 0))

        # Not str.format: a stranger's template could ask for a number of a billion digits.
        name = Path(re.sub(r"\{(\w+)(?::0(\d)d)?\}", value, str(self.info[template])))
        if name.is_absolute() or ".." in name.parts:
            raise InputError(f"{self.folder}: {template} leads out of the dataset ({name})")
        return self.folder / name

    def actions(self, episode: Episode) -> Actions | ContinuousActions:
        """The true actions of an episode, one per frame.

        Raises:
            InputError: where there is not one for every frame.
            TypeError, ValueError: where they are neither words nor numbers.
        """
        table = _rows(episode.data, episode.data.stat().st_mtime_ns)
        own = table["episode_index"] == episode.index
        order = np.argsort(table["frame_index"][own], kind="stable")
        rows = [table["action"][i] for i in np.flatnonzero(own)[order]]
        if len(rows) != episode.frames:
            raise InputError(f"has {len(rows)} actions for {episode.frames} frames")
        times = tuple(k / self.fps for k in range(episode.frames))
        if all(isinstance(row, str) for row in rows):
            names = tuple(sorted(set(rows)))
            return Actions(times, tuple(names.index(row) for row in rows), names)
        if all(isinstance(row, int) and 0 <= row < MOST_KEYS for row in rows):
            names = tuple(map(str, range(max(rows) + 1)))
            return Actions(times, tuple(rows), names)
        vectors = tuple(tuple(map(float, np.ravel(row))) for row in rows)
        if len({len(vector) for vector in vectors}) != 1:
            raise InputError("has actions of different lengths")
        return ContinuousActions(times, vectors, self._action_names(len(vectors[0])))

    def _action_names(self, count: int) -> tuple[str, ...]:
        """What the numbers are called; a list, or a list under another heading, says so."""
        said = self.info["features"].get("action", {}).get("names")
        if isinstance(said, dict):
            said = next((list_ for list_ in said.values() if isinstance(list_, list)), None)
        if isinstance(said, list) and len(said) == count:
            return tuple(map(str, said))
        return tuple(f"action {i}" for i in range(count))


def _choose(folder: Path, cameras: list[str], wanted: str | None) -> str:
    if not cameras:
        raise InputError(f"{folder} has no video: its pictures, if any, are in Parquet files")
    if wanted is None and len(cameras) > 1:
        raise InputError(f"{folder} has several cameras; name one: --camera {', '.join(cameras)}")
    if wanted is not None and wanted not in cameras:
        raise InputError(f"{folder} has no camera {wanted!r}, {did_you_mean(wanted, cameras)}")
    return wanted or cameras[0]


def read_table(path: Path, columns: list[str]) -> Any:
    """Some columns of a Parquet file, as a pyarrow table.

    Raises:
        InputError: where pyarrow is not installed, or the file is damaged or lacks a column.
    """
    try:
        parquet = importlib.import_module("pyarrow.parquet")
        arrow = importlib.import_module("pyarrow")
    except ImportError as error:
        raise InputError(
            "LeRobot datasets need pyarrow: pip install playworld[datasets]"
        ) from error
    try:
        return parquet.read_table(path, columns=columns).select(columns)
    except (arrow.ArrowException, KeyError, OSError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


@lru_cache(maxsize=1)
def _rows(path: Path, changed: int) -> dict[str, Any]:
    """The columns about actions; kept for the next episode, which often lies in the same file."""
    table = read_table(path, ["episode_index", "frame_index", "action"])
    numbers = {name: np.array(table[name]) for name in ("episode_index", "frame_index")}
    return numbers | {"action": table["action"].to_pylist()}

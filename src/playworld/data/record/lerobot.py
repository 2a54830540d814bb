"""LeRobot datasets on the local disk: which episodes there are, and where their files lie.

A dataset of version 3 keeps many episodes in one MP4 and one Parquet file and says in
`meta/episodes` where each begins; in versions 2.0 and 2.1 each episode has files of its own. A
dataset may come from a stranger: no path that it names leads out of its folder.
"""

import importlib
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playworld.atomic import may_be_ignored
from playworld.config import InputError, did_you_mean
from playworld.lfs import refuse_pointer

MOST_FRAMES = 10_000_000
"""Of an episode: eleven days at 10 frames per second."""


@dataclass(frozen=True)
class EpisodeEntry:
    """Where one episode lies, and what else is known of it."""

    index: int
    frames: int
    video: Path | None
    """The file with its frames; None where they are single pictures."""
    start: float
    """Seconds into the video, as the dataset says."""
    data: Path | None
    """Parquet file with its rows; None where the dataset names none."""
    tasks: tuple[str, ...]
    """What was to be done, in words."""


@dataclass(frozen=True)
class Unlisted:
    """An episode of which the dataset does not say enough to find it."""

    name: str
    reason: str


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
        path = folder / "meta" / "info.json"
        if not path.is_file():
            raise InputError(f"{folder} is no LeRobot dataset: it has no meta/info.json")
        refuse_pointer(path)
        try:
            info = json.loads(path.read_text(encoding="utf-8-sig"))
            version, features = str(info.get("codebase_version")), info["features"]
            kinds = {name: entry["dtype"] for name, entry in features.items() if "dtype" in entry}
            fps = float(info["fps"])
        except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            raise InputError(f"{path} is damaged: {error!r}") from error
        if not re.fullmatch(r"v?[23](\.[0-9]+)*", version):
            raise InputError(f"{folder} is of version {version}; versions 2 and 3 can be read")
        if not 0.1 <= fps <= 1000:
            raise InputError(f"{path} says {fps} frames per second")
        cameras = [name for name, kind in kinds.items() if kind in ("video", "image")]
        chosen = _choose(folder, cameras, [c for c in cameras if _is_depth(features[c])], camera)
        return Dataset(folder, chosen, fps, info)

    @property
    def of_pictures(self) -> bool:
        """Whether the camera's frames are single pictures, not videos."""
        return self.info["features"][self.camera]["dtype"] == "image"

    @property
    def grouped(self) -> bool:
        """Whether a file holds many episodes, as in version 3."""
        return str(self.info["codebase_version"]).lstrip("v").startswith("3")

    def episodes(self) -> tuple[list[EpisodeEntry], list[Unlisted]]:
        """All episodes in the order of their numbers, and those that are not described well enough.

        Raises:
            InputError: where the list of them is missing or makes no sense.
        """
        found: dict[int, EpisodeEntry] = {}
        unlisted = []
        try:
            rows = list(self._rows_of_3() if self.grouped else self._rows_of_2())
        except (KeyError, TypeError, ValueError, OSError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{self.folder}: its episodes cannot be read ({error!r})") from error
        for number, row in enumerate(rows):
            try:
                episode = self._episode(row)
                if episode.index in found:
                    raise ValueError("it is listed twice")
                found[episode.index] = episode
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
                if isinstance(error, InputError):
                    raise
                name = row.get("episode_index") if isinstance(row, dict) else None
                name = f"number {number} of the list" if name is None else str(name)
                unlisted.append(Unlisted(name, f"its description makes no sense ({error})"))
        return [found[index] for index in sorted(found)], unlisted

    def _rows_of_3(self) -> Iterator[dict[str, Any]]:
        found = (self.folder / "meta" / "episodes").glob("*/*.parquet")
        files = sorted(path for path in found if not may_be_ignored(path.name))
        if not files:
            raise InputError(f"{self.folder} has no list of episodes in meta/episodes")
        place = f"videos/{self.camera}/"
        needed = ["episode_index", "length"]
        if not self.of_pictures:
            needed += [place + "chunk_index", place + "file_index", place + "from_timestamp"]
        for file in files:
            yield from read_table(
                file, needed, ("data/chunk_index", "data/file_index", "tasks")
            ).to_pylist()

    def _rows_of_2(self) -> Iterator[Any]:
        text = (self.folder / "meta" / "episodes.jsonl").read_text(encoding="utf-8-sig")
        for line in text.splitlines():
            if line.strip():
                yield json.loads(line)

    def _episode(self, row: dict[str, Any]) -> EpisodeEntry:
        index, frames, video, start = _whole(row["episode_index"]), _whole(row["length"]), None, 0.0
        if not 1 <= frames <= MOST_FRAMES:
            raise ValueError(f"it has {frames} frames")
        if self.grouped:
            where = (row.get("data/chunk_index"), row.get("data/file_index"))
            place = f"videos/{self.camera}/"
            if not self.of_pictures:
                file = (row[place + "chunk_index"], row[place + "file_index"])
                video = self._path("video_path", *file)
                start = float(row[place + "from_timestamp"])
        else:
            where = (index // int(self.info.get("chunks_size") or 1000), index)
            if not self.of_pictures:
                video = self._path("video_path", *where)
        if not math.isfinite(start):
            raise ValueError(f"it begins at {start} seconds")
        known = None not in where and self.info.get("data_path")
        data = self._path("data_path", *where) if known else None
        tasks = row.get("tasks")
        tasks = [tasks] if isinstance(tasks, str) else tasks or ()
        return EpisodeEntry(
            index, frames, video, start, data, tuple(str(t) for t in tasks if t is not None)
        )

    def _path(self, template: str, chunk: Any, number: Any) -> Path:
        """A file that a template of meta/info.json names; never one outside the dataset."""
        fields = {"video_key": self.camera, "chunk_index": _whole(chunk)}
        fields |= {"file_index": _whole(number), "episode_chunk": _whole(chunk)}
        fields |= {"episode_index": _whole(number)}

        def value(match: re.Match[str]) -> str:
            return str(fields[match[1]]).zfill(int(match[2] or 0))

        # Not str.format: a stranger's template could ask for a number of a billion digits.
        try:
            name = Path(re.sub(r"\{(\w+)(?::0(\d)d)?\}", value, str(self.info[template])))
        except KeyError as error:
            raise InputError(
                f"{self.folder}: its episodes cannot be read, as {template} is unknown ({error!r})"
            ) from error
        return self.inside(name, template)

    def inside(self, name: Path, what: str) -> Path:
        """A path that the dataset names.

        Raises:
            InputError: where it leads out of the dataset.
        """
        if name.is_absolute() or ".." in name.parts:
            raise InputError(f"{self.folder}: {what} leads out of the dataset ({name})")
        return self.folder / name


def _whole(value: Any) -> int:
    if isinstance(value, bool) or int(value) != value or value < 0:
        raise ValueError(f"{value!r:.60} is no number of something")
    return int(value)


def _is_depth(feature: Mapping[str, Any]) -> bool:
    """Whether a camera says that it measures distances."""
    about = [feature, feature.get("info"), feature.get("video_info")]
    entries = [part for part in about if isinstance(part, dict)]
    return any(part.get(key) for part in entries for key in ("video.is_depth_map", "is_depth_map"))


def _choose(folder: Path, cameras: list[str], depth: list[str], wanted: str | None) -> str:
    if not cameras:
        raise InputError(f"{folder} has no video and no pictures")
    if wanted is not None and wanted not in cameras:
        raise InputError(f"{folder} has no camera {wanted!r}, {did_you_mean(wanted, cameras)}")
    colour = [camera for camera in cameras if camera not in depth] or cameras
    if wanted is None and len(colour) > 1:
        raise InputError(f"{folder} has several cameras; name one: --camera {', '.join(cameras)}")
    return wanted or colour[0]


def read_table(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> Any:
    """Some columns of a Parquet file, as a pyarrow table; of the optional ones those it has.

    Raises:
        InputError: where pyarrow is not installed, or the file is damaged or lacks a column.
    """
    parquet, arrow = arrow_modules()
    refuse_pointer(path)
    try:
        there = parquet.read_schema(path).names
        wanted = [*columns, *(name for name in optional if name in there)]
        return parquet.read_table(path, columns=wanted, partitioning=None).select(wanted)
    except (arrow.ArrowException, KeyError, OSError) as error:
        raise InputError(f"{path} cannot be read: {_line(error)}") from error


def arrow_modules() -> tuple[Any, Any]:
    """pyarrow.parquet and pyarrow.

    Raises:
        InputError: where pyarrow is not installed.
    """
    try:
        return importlib.import_module("pyarrow.parquet"), importlib.import_module("pyarrow")
    except ImportError as error:
        raise InputError(
            "LeRobot datasets need pyarrow: pip install playworld[datasets]"
        ) from error


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]

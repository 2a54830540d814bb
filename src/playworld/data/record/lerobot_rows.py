"""What the rows of a LeRobot episode hold: the true actions, and pictures where there is no video.

An action may be missing, called otherwise or damaged; then the video is still good for training.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from playworld.config import InputError
from playworld.data.record.actions import Actions, ContinuousActions
from playworld.data.record.lerobot import Dataset, EpisodeEntry, arrow_modules, read_table

MOST_KEYS = 1_024
"""Whole numbers below it are keys; larger ones are positions of something."""
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


class NoTruth(ValueError):
    """The actions of an episode are not known, for the reason given; its video may be."""


def actions_of(
    dataset: Dataset, episode: EpisodeEntry, column: str, times: tuple[float, ...]
) -> Actions | ContinuousActions:
    """The true actions of an episode, one per frame.

    Args:
        dataset: where the episode is from.
        episode: which one.
        column: of the Parquet file with the actions.
        times: of the frames, in seconds.

    Raises:
        NoTruth: where they are missing, or neither words nor numbers.
        InputError: where there is not one for every frame.
    """
    rows = _in_order(episode, column)
    if len(rows) != episode.frames:
        raise InputError(f"has {len(rows)} actions for {episode.frames} frames")
    if all(isinstance(row, str) for row in rows):
        names = tuple(sorted(set(rows)))
        return Actions(times, tuple(names.index(row) for row in rows), names)
    if all(isinstance(row, int) and 0 <= row < MOST_KEYS for row in rows):
        names = tuple(map(str, range(max(rows) + 1)))
        return Actions(times, tuple(map(int, rows)), names)
    try:
        vectors = np.array([np.ravel(np.array(row, dtype=np.float64)) for row in rows])
    except (TypeError, ValueError, OverflowError) as error:
        raise NoTruth("their actions are not numbers, as many for every frame") from error
    if vectors.shape[1] == 0 or not np.isfinite(vectors).all():
        raise NoTruth("some of their actions are empty, NaN or infinite")
    named = _names(dataset.info["features"].get(column), vectors.shape[1])
    return ContinuousActions(times, tuple(map(tuple, vectors.tolist())), named)


def _in_order(episode: EpisodeEntry, column: str) -> list[Any]:
    """The values of a column for the frames of an episode."""
    if episode.data is None or not episode.data.is_file():
        raise NoTruth("the file with their actions is missing")
    try:
        table = _table(episode.data, episode.data.stat().st_mtime_ns, column)
    except InputError as error:
        raise NoTruth(str(error)) from error
    if column not in table:
        raise NoTruth(
            f"there is no column {column!r} but {', '.join(sorted(table['columns']))} "
            "(--action names another)"
        )
    own = np.flatnonzero(table["episode_index"] == episode.index)
    return [table[column][i] for i in own[np.argsort(table["frame_index"][own], kind="stable")]]


@lru_cache(maxsize=1)
def _table(path: Path, changed: int, column: str) -> dict[str, Any]:
    """The columns about actions; kept for the next episode, which often lies in the same file."""
    parquet, _ = arrow_modules()
    table = read_table(path, ["episode_index"], ["frame_index", column])
    numbers: dict[str, Any] = {"columns": parquet.read_schema(path).names}
    numbers["episode_index"] = np.array(table["episode_index"])
    numbers["frame_index"] = np.arange(len(table))
    if "frame_index" in table.column_names and not table["frame_index"].null_count:
        numbers["frame_index"] = np.array(table["frame_index"])
    if column in table.column_names:
        numbers[column] = table[column].to_pylist()
    return numbers


def _names(feature: Any, count: int) -> tuple[str, ...]:
    """What the numbers are called; a list, or a list under another heading, says so."""
    names = feature.get("names") if isinstance(feature, Mapping) else None
    if isinstance(names, dict):
        names = next((list_ for list_ in names.values() if isinstance(list_, list)), None)
    if isinstance(names, list) and len(names) == count:
        return tuple(map(str, names))
    return tuple(f"action {i}" for i in range(count))


def pictures_of(dataset: Dataset, episode: EpisodeEntry) -> list[bytes]:
    """The encoded pictures of an episode, in the order of its frames.

    They lie in the Parquet file, or in image files that it or the usual folder names.

    Raises:
        InputError: where there is not one for every frame.
    """
    cells = _picture_cells(dataset, episode)
    if cells is None:
        files = _picture_files(dataset, episode)
        if not files:
            raise InputError(
                f"has no pictures: no column {dataset.camera!r}, no folder images/{dataset.camera}"
            )
        found = [file.read_bytes() for file in files]
    else:
        found = [_content(dataset, episode, cell) for cell in cells]
    if len(found) != episode.frames:
        raise InputError(f"has {len(found)} pictures for {episode.frames} frames")
    return found


def _picture_cells(dataset: Dataset, episode: EpisodeEntry) -> list[Any] | None:
    """The cells of the camera's column for one episode; None without such a column."""
    if episode.data is None or not episode.data.is_file():
        return None
    parquet, arrow = arrow_modules()
    cells: list[tuple[Any, Any]] = []
    try:
        with parquet.ParquetFile(episode.data) as file:
            names = file.schema_arrow.names
            if dataset.camera not in names:
                return None
            order = [name for name in ("frame_index",) if name in names]
            wanted = ["episode_index", dataset.camera, *order]
            for batch in file.iter_batches(batch_size=64, columns=wanted):  # memory of one episode
                own = np.flatnonzero(np.array(batch["episode_index"]) == episode.index)
                rows = batch.take(arrow.array(own))
                frames = rows[order[0]].to_pylist() if order else [None] * len(rows)
                cells += zip(frames, rows[dataset.camera].to_pylist(), strict=True)
    except (arrow.ArrowException, KeyError, OSError) as error:
        raise InputError(f"{episode.data} cannot be read: {error}") from error
    if all(isinstance(frame, int) for frame, _ in cells):
        cells.sort(key=lambda cell: cell[0])
    return [cell for _, cell in cells]


def _content(dataset: Dataset, episode: EpisodeEntry, cell: Any) -> bytes:
    """An encoded picture: bytes, or the path of a file, or both under these names."""
    content, name = cell, None
    if isinstance(cell, dict):
        content, name = cell.get("bytes"), cell.get("path")
    elif isinstance(cell, str):
        content, name = None, cell
    if isinstance(content, bytes) and content:
        return content
    if not isinstance(name, str):
        raise InputError("has a frame without a picture")
    path = dataset.inside(Path(name), "a picture")
    folders = _picture_folders(dataset, episode)
    for place in (path, *(folder / Path(name).name for folder in folders)):
        if place.is_file():
            return place.read_bytes()
    raise InputError(f"has no picture {name}")


def _picture_folders(dataset: Dataset, episode: EpisodeEntry) -> list[Path]:
    root = dataset.inside(Path("images", dataset.camera), "its camera")
    wanted = re.compile(rf"episode[-_]0*{episode.index}")
    return [folder for folder in sorted(root.glob("episode*")) if wanted.fullmatch(folder.name)]


def _picture_files(dataset: Dataset, episode: EpisodeEntry) -> list[Path]:
    """Image files in the folder of an episode, by the numbers in their names."""
    files = [
        file
        for folder in _picture_folders(dataset, episode)
        for file in folder.iterdir()
        if file.suffix.lower() in PICTURE_ENDINGS and re.search(r"\d", file.stem)
    ]
    return sorted(
        (file for file in files if not file.name.startswith(".")),
        key=lambda file: int(re.findall(r"\d+", file.stem)[-1][:18]),
    )

"""An expert who presses what a bright square tells, and the videos' clips."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from playworld.agents.moves import NAMES
from playworld.data.clips.shards import ShardWriter, sha256_of, write_json
from playworld.data.record.games import ACTION_NAMES

TRANSITIONS = 24


def film(moves: np.ndarray) -> np.ndarray:
    """Frames whose square stands where the move that comes next is kept, on noise."""
    frames = np.random.default_rng(len(moves)).integers(0, 60, (len(moves) + 1, 64, 64, 3))
    for frame, move in zip(frames, [*moves, 0], strict=True):
        row, column = divmod(int(move), 3)
        frame[row * 32 + 8 : row * 32 + 24, column * 20 + 4 : column * 20 + 18] = 255
    return frames.astype(np.uint8)


@pytest.fixture(scope="session")
def expert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 films and 3 held-out ones as `ingest` writes them, true actions beside the videos."""
    folder = tmp_path_factory.mktemp("expert")
    videos, clips, rng = folder / "videos", folder / "clips", np.random.default_rng(0)
    videos.mkdir()
    splits = {}
    for split, count in (("train", 12), ("valid", 3)):
        with ShardWriter(clips / split, 64, 64, 10.0) as writer:
            for number in range(count):
                moves = rng.integers(len(NAMES), size=TRANSITIONS)
                name, times = f"{split}-{number}.mp4", np.arange(TRANSITIONS + 1) / 10
                writer.write(film(moves), name, times.tolist())
                rows = [ACTION_NAMES.index(NAMES[m]) for m in moves for _ in range(2)]
                truth = {"times": [k / 20 for k in range(len(rows))], "actions": rows}
                truth |= {"action_names": list(ACTION_NAMES), "level_seed": 100 * number}
                (videos / name).with_suffix(".actions.json").write_text(json.dumps(truth))
        digest = sha256_of(clips / split / "index.json")
        splits[split] = {"scenes": count, "index_sha256": digest}
    size = {"height": 64, "width": 64, "fps": 10.0, "chunk": 16, "format": 1}
    write_json(clips / "dataset.json", {**size, "videos": str(videos), "splits": splits})
    return clips


@pytest.fixture
def recorded(expert: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes a copy of the clips whose recordings were made with these options."""

    def copy(**options: object) -> Path:
        folder = tmp_path / "recorded"
        shutil.copytree(expert.parent, folder)
        for path in (folder / "videos").glob("*.actions.json"):
            path.write_text(json.dumps(json.loads(path.read_text()) | {"options": options}))
        path = folder / "clips/dataset.json"
        stored = json.loads(path.read_text()) | {"videos": str(folder / "videos")}
        path.write_text(json.dumps(stored))
        return folder / "clips"

    return copy

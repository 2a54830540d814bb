"""A mixture to choose from: a sliding camera, which is wanted; noise and stills, which are not."""

from pathlib import Path

import numpy as np
import pytest

from playworld.curate.labels import Labels
from playworld.curate.stretches import Footage
from playworld.curate.training import FilterOptions, train_filter
from playworld.data.clips.shards import ShardWriter, sha256_of, write_json

SIZE = 32


def slide(seed: int, frames: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    tiles = rng.integers(0, 256, (8, 80, 3), dtype=np.uint8)
    land = tiles.repeat(8, axis=0).repeat(8, axis=1)
    return np.stack([land[:SIZE, 3 * k : 3 * k + SIZE] for k in range(frames)])


def noise(seed: int, frames: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (frames, SIZE, SIZE, 3), dtype=np.uint8)


def still(seed: int, frames: int) -> np.ndarray:
    tiles = slide(seed, 1)
    return np.repeat(tiles, frames, axis=0)


def write_clips(folder: Path, scenes: dict[str, list[tuple[str, np.ndarray]]]) -> Path:
    """A folder of clips as `ingest` writes it: scenes of each split as (source, frames)."""
    splits = {}
    for split in ("train", "valid"):
        with ShardWriter(folder / split, SIZE, SIZE, 10.0) as writer:
            for source, frames in scenes.get(split, []):
                writer.write(frames, source, [k / 10 for k in range(len(frames))])
        splits[split] = {
            "scenes": len(scenes.get(split, [])),
            "index_sha256": sha256_of(folder / split / "index.json"),
        }
    size = {"height": SIZE, "width": SIZE, "fps": 10.0, "chunk": 16, "format": 1}
    write_json(folder / "dataset.json", {**size, "videos": "/videos", "splits": splits})
    return folder


@pytest.fixture(scope="session")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 videos on the one side and 6 on the other, half of them wanted; 96 frames each."""
    kinds = [("slide", slide), ("noise", noise), ("slide", slide), ("still", still)]

    def videos(first: int, last: int) -> list[tuple[str, np.ndarray]]:
        drawn = [(n, *kinds[n % 4]) for n in range(first, last)]
        return [(f"{name}-{n:02d}.mp4", draw(n, 96)) for n, name, draw in drawn]

    folder = tmp_path_factory.mktemp("mixture") / "clips"
    return write_clips(folder, {"train": videos(0, 16), "valid": videos(16, 22)})


@pytest.fixture
def labelled(mixture: Path, tmp_path: Path) -> Path:
    """Labels of every stretch: 5 for what is wanted, else 1."""
    return label_by_name(mixture, tmp_path / "labels.json")


def label_by_name(clips: Path, path: Path) -> Path:
    footage = Footage(clips)
    labels = Labels(path, footage, 32)
    for stretch in labels.stretches:
        labels.give(stretch, 5 if footage.source(stretch).startswith("slide") else 1)
    labels.save()
    return path


@pytest.fixture(scope="session")
def filter_folder(mixture: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quick filter that was trained on the mixture."""
    folder = tmp_path_factory.mktemp("filter")
    labels = label_by_name(mixture, folder / "labels.json")
    train_filter(mixture, labels, folder / "filter", FilterOptions())
    return folder / "filter"


def damage(clips: Path, split: str) -> None:
    """Flip a byte of the first chunk of a split."""
    shard = clips / split / "shard-00000.bin"
    content = bytearray(shard.read_bytes())
    content[10] ^= 255
    shard.write_bytes(content)

"""Random clips per second from the shards, beside other ways to keep the same frames.

    python benchmarks/loader.py            makes its own clips: 40 scenes of 500 frames, 64x64
    python benchmarks/loader.py CLIPS      a folder that `playworld ingest` wrote

Every way reads the same 16-frame clips at random. Files are in the page cache: what is timed is the
reading and decoding, not the disk.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from playworld.data.clips import ClipDataset, ClipId, batches
from playworld.data.shards import ShardWriter

LENGTH = 16


def make_clips(folder: Path, scenes: int = 40, frames: int = 500) -> None:
    """A camera slides over tiles while a sprite leaps about."""
    for split, count in (("train", scenes), ("valid", 1)):
        with ShardWriter(folder / split, 64, 64, 10.0) as writer:
            for number in range(count):
                rng = np.random.default_rng(number)
                palette = rng.integers(0, 256, (6, 3), dtype=np.uint8)
                tiles = palette[rng.integers(0, 6, (8, 9 + frames // 2))]
                land = np.repeat(np.repeat(tiles, 8, axis=0), 8, axis=1)
                film = np.stack([land[:, 3 * k : 3 * k + 64] for k in range(frames)])
                for frame in film:
                    y, x = rng.integers(0, 56, 2)
                    frame[y : y + 8, x : x + 8] = 255 - frame[y : y + 8, x : x + 8]
                writer.write(film, f"{number}.mp4", [k / 10 for k in range(frames)])
    (folder / "dataset.json").write_text(json.dumps({"videos": str(folder)}))


def row(name: str, size: int, frames: int, clips: int, work: Callable[[], object]) -> None:
    """Time one way of doing it and print it."""
    start, busy = time.perf_counter(), time.process_time()
    work()
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    rates = f"{clips / seconds:8.0f} clips/s {clips / busy:8.0f} per processor second"
    print(f"{name:38} {rates} {size / frames / 1000:8.2f} kB/frame")


def size_of(folder: Path, pattern: str) -> int:
    """Bytes of the files that match."""
    return sum(path.stat().st_size for path in folder.glob(pattern))


def as_arrays(dataset: ClipDataset, folder: Path) -> list[np.ndarray]:
    """The same scenes as raw arrays, one file each, memory-mapped."""
    for number, scene in enumerate(dataset.scenes):
        frames = dataset.shards.read(number, 0, scene.num_frames)
        np.save(folder / f"{number:05d}.npy", frames)
    return [np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))]


def as_videos(dataset: ClipDataset, folder: Path) -> None:
    """The same scenes as lossless H.264, one file each, a keyframe every 16 frames."""
    options = {"qp": "0", "g": "16", "preset": "veryfast"}
    for number, scene in enumerate(dataset.scenes):
        with av.open(str(folder / f"{number:05d}.mp4"), "w") as container:
            stream = container.add_stream("libx264rgb", rate=10, options=options)
            stream.width, stream.height, stream.pix_fmt = dataset.width, dataset.height, "rgb24"
            for picture in dataset.shards.read(number, 0, scene.num_frames):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())


def read_video(folder: Path, clip: ClipId) -> np.ndarray:
    """Seek to the keyframe before the clip and decode on from there."""
    with av.open(str(folder / f"{clip.scene:05d}.mp4")) as container:
        stream = container.streams.video[0]
        step = round(1 / (stream.average_rate * stream.time_base))
        container.seek(clip.start * step, stream=stream)
        frames = (f for f in container.decode(stream) if f.pts >= clip.start * step)
        return np.stack([next(frames).to_ndarray(format="rgb24") for _ in range(LENGTH)])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=Path, nargs="?")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        folder = arguments.clips or scratch
        if not arguments.clips:
            make_clips(folder)
        dataset = ClipDataset(folder, "train", LENGTH)
        frames = dataset.num_frames
        print(f"{len(dataset.scenes)} scenes, {frames} frames {dataset.width}x{dataset.height}\n")
        picks = random.Random(0).choices(range(dataset.num_clips), k=2000)
        clips = [dataset.clip(i) for i in picks]
        size = size_of(dataset.shards.folder, "*")
        row("shards, one thread", size, frames, len(clips), lambda: [*map(dataset.read, clips)])

        def load() -> None:
            stream = batches(dataset, 32, seed=0)
            for _ in range(len(clips) // 32):
                next(stream)
            stream.close()

        row("shards, batches of 32 as in training", size, frames, len(clips) // 32 * 32, load)
        arrays = as_arrays(dataset, scratch)
        raw = [(arrays[clip.scene], clip.start) for clip in clips]
        copy = lambda: [np.array(array[start : start + LENGTH]) for array, start in raw]  # noqa: E731
        row("raw arrays, memory-mapped", size_of(scratch, "*.npy"), frames, len(clips), copy)
        as_videos(dataset, scratch)
        some = clips[:200]
        np.testing.assert_array_equal(read_video(scratch, some[0]), dataset.read(some[0]))
        video = lambda: [read_video(scratch, clip) for clip in some]  # noqa: E731
        row("lossless H.264, seek", size_of(scratch, "*.mp4"), frames, len(some), video)


if __name__ == "__main__":
    main()

"""Random clips per second from the shards, beside what the training steps of the presets eat.

    python benchmarks/loader.py              own pictures, 64x64 and 160x90: flat tiles, and grain
    python benchmarks/loader.py CLIPS        a folder that `playworld ingest` wrote, or its URL
    python benchmarks/loader.py --ways       and other ways to keep the same frames

Files are in the page cache: what is timed is reading, checking and decoding, not the disk. On a
busy machine look at clips per processor second, which count the time of the loader's own threads
alone. A step eats at most the device's FLOP/s over the FLOPs of a clip, forward and backward
(playworld/models/flops.py): on this CPU those of large matrix products, measured here per processor
second and times the threads given, on a GPU those of --tflops.
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
import torch

from playworld.data.clips.dataset import ClipDataset, ClipId, batches
from playworld.data.clips.remote import at_hand
from playworld.data.clips.shards import ShardWriter
from playworld.presets import preset

LENGTH, BATCH = 16, 32
SIZES = ((64, 64), (160, 90))
"""Width and height."""
ON_GPU = ("coinrun-paper", "genie-41m", "robotics-2.5b", "genie-10.7b")
PRESETS = ("tiny", "small", *ON_GPU)


def make_clips(
    folder: Path, scenes: int = 40, frames: int = 500, size: tuple[int, int] = (64, 64), grain=0.0
) -> None:
    """A camera slides over tiles while a sprite leaps about; `grain` is the noise of a sensor."""
    width, height = size
    for split, count in (("train", scenes), ("valid", 1)):
        with ShardWriter(folder / split, height, width, 10.0) as writer:
            for number in range(count):
                rng = np.random.default_rng(number)
                palette = rng.integers(0, 256, (6, 3), dtype=np.uint8)
                tiles = palette[rng.integers(0, 6, (-(-height // 8), -(-width // 8) + frames // 2))]
                land = np.repeat(np.repeat(tiles, 8, axis=0), 8, axis=1)[:height]
                film = np.stack([land[:, 3 * k : 3 * k + width] for k in range(frames)])
                for frame in film:
                    y, x = rng.integers(0, 56, 2)
                    frame[y : y + 8, x : x + 8] = 255 - frame[y : y + 8, x : x + 8]
                    if grain:
                        noisy = frame + rng.normal(0, grain, frame.shape)
                        frame[:] = noisy.clip(0, 255)
                writer.write(film, f"{number}.mp4", [k / 10 for k in range(frames)])
    (folder / "dataset.json").write_text(json.dumps({"videos": str(folder)}))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of the processor."""
    start, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - busy


def loading(dataset: ClipDataset, clips: int, workers: int | None) -> tuple[float, float]:
    """Clips per second and per processor second of `batches`, after one batch to warm up."""
    stream = batches(dataset, BATCH, seed=0, threads=workers)
    for _ in range(5):  # what was prefetched is not timed
        next(stream)
    count = max(1, clips // BATCH)
    clock, busy = timed(lambda: [next(stream) for _ in range(count)])
    stream.close()
    return count * BATCH / clock, count * BATCH / busy


def print_rates(sets: dict[str, Path], clips: int) -> dict[tuple[int, int], float]:
    """The first table; returns the lowest clips per processor second of each size, one worker."""
    head = f"{'clips of 16 frames':26}{'kB/frame':>9}{'workers':>9}"
    print(f"{head}{'clips/s':>10}{'per processor second':>22}")
    slowest: dict[tuple[int, int], float] = {}
    for name, folder in sets.items():
        dataset = ClipDataset(folder, "train", LENGTH)
        kept = size_of(dataset.shards.folder, "*.bin") / dataset.num_frames / 1000
        for workers in (1, 2):
            clock, busy = loading(dataset, clips, workers)
            print(f"{name:26}{kept:9.2f}{workers:9}{clock:10.0f}{busy:22.0f}", flush=True)
            key = (dataset.width, dataset.height)
            slowest[key] = min(slowest.get(key, busy), busy)
    return slowest


def print_needs(rates: dict[tuple[int, int], float], tflops: float) -> None:
    """The second table: what each stage of each preset eats, and how many cores load as much.

    A clip shorter than 16 frames counts as one of 16: it takes as many chunks, or one less.
    """
    from train_step import step_flops  # it imports this file

    cpu = cpu_flops()
    print(
        f"\nCPU: {cpu / 1e9:.0f} GFLOP/s with {torch.get_num_threads()} threads, GPU: {tflops:g} "
        "TFLOP/s; cores: that load as many of the slowest clips above\n"
    )
    head = f"{'preset':15}{'stage':11}{'frames':>14}{'GFLOP/clip':>12}"
    print(f"{head}{'CPU clips/s':>13}{'cores':>8}{'GPU clips/s':>13}{'cores':>8}")
    for name in PRESETS:
        recipe = preset(name)
        for stage in ("tokenizer", "world"):
            config = recipe.tokenizer_stage if stage == "tokenizer" else recipe.world_stage
            width, height = recipe.tokenizer.width, recipe.tokenizer.height
            flops, given = step_flops(recipe, stage, 1), rates.get((width, height))
            cells = ""
            # The smallest would keep a GPU busy with starting kernels, not with products.
            for peak in (cpu, tflops * 1e12 if name in ON_GPU else None):
                eaten = peak and peak / flops
                cores = eaten and given and eaten / given
                cells += f"{eaten:13.2f}" if eaten else f"{'-':>13}"
                cells += f"{cores:8.3f}" if cores else f"{'-':>8}"
            frames = f"{config.clip_length} x {width}x{height}"
            print(f"{name:15}{stage:11}{frames:>14}{flops / 1e9:12.1f}{cells}", flush=True)


def cpu_flops(size: int = 1024) -> float:
    """FLOP/s of large matrix products on the threads given, were the processor not shared."""
    a = torch.randn(size, size)
    busiest = min(timed(lambda: torch.mm(a, a))[1] for _ in range(50))
    return 2 * size**3 / busiest * torch.get_num_threads()


def row(name: str, size: int, frames: int, clips: int, work: Callable[[], object]) -> None:
    """Time one way of doing it and print it."""
    clock, busy = timed(work)
    rates = f"{clips / clock:8.0f} clips/s {clips / busy:8.0f} per processor second"
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


def print_ways(dataset: ClipDataset, scratch: Path) -> None:
    """The third table: the same random clips out of other kinds of files."""
    frames = dataset.num_frames
    picks = random.Random(0).choices(range(dataset.num_clips), k=2000)
    clips = [dataset.clip(i) for i in picks]
    print(f"\n{len(dataset.scenes)} scenes, {frames} frames {dataset.width}x{dataset.height}")
    size = size_of(dataset.shards.folder, "*")
    row("shards, one thread", size, frames, len(clips), lambda: [*map(dataset.read, clips)])
    arrays = as_arrays(dataset, scratch)
    raw = [(arrays[clip.scene], clip.start) for clip in clips]
    copy = lambda: [np.array(array[start : start + LENGTH]) for array, start in raw]  # noqa: E731
    row("raw arrays, memory-mapped", size_of(scratch, "*.npy"), frames, len(clips), copy)
    as_videos(dataset, scratch)
    some = clips[:200]
    np.testing.assert_array_equal(read_video(scratch, some[0]), dataset.read(some[0]))
    video = lambda: [read_video(scratch, clip) for clip in some]  # noqa: E731
    row("lossless H.264, seek", size_of(scratch, "*.mp4"), frames, len(some), video)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*", help="folders of clips, or URLs; own ones without it")
    parser.add_argument("--count", type=int, default=2_000, help="clips read per line")
    parser.add_argument("--tflops", type=float, default=396, help="of a GPU: 0.4 of an H100's 989")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--ways", action="store_true", help="compare other kinds of files too")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        sets = {name: at_hand(name) for name in asked.clips}
        if not sets:
            for width, height in SIZES:
                for kind, grain in (("tiles", 0.0), ("grain", 1.0)):
                    sets[f"{width}x{height} {kind}"] = folder = scratch / f"{width}-{kind}"
                    make_clips(folder, 10, 400, (width, height), grain)
        print_needs(print_rates(sets, asked.count), asked.tflops)
        if asked.ways:
            (scratch / "ways").mkdir()
            print_ways(ClipDataset(next(iter(sets.values())), "train", LENGTH), scratch / "ways")


if __name__ == "__main__":
    main()

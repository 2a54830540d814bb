"""How fast videos become clips, what each step of it costs, and how much memory it takes.

    python benchmarks/ingest.py            makes its own videos: 8 of 20 s, 640x360, 30 fps, H.264
    python benchmarks/ingest.py VIDEOS     a folder of yours
    python benchmarks/ingest.py --hours 2  and one video of two hours, for the memory

PyAV alone, in the same process and on one thread, is what the others are compared with. Each row
is the best of several rounds that take turns, by processor seconds: other work on the machine
disturbs these least.
"""

import argparse
import functools
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np

from playworld.data.ingest.clean_options import CleanOptions
from playworld.data.ingest.pipeline import IngestOptions, ingest
from playworld.data.ingest.sources import find_videos
from playworld.data.video.fork_server import ForkServer
from playworld.data.video.reader import Decoding, probe, read_frames

FPS, SIZE = 10, 64
NOT_CLEANED = CleanOptions(static=0, black=0, bars=False, duplicates=0)


def make_videos(folder: Path, count: int = 8, seconds: int = 20, fps: int = 30) -> None:
    """Films of a camera that slides over a textured landscape."""
    for number in range(count):
        rng = np.random.default_rng(number)
        coarse = rng.integers(0, 256, (46, 220, 3), dtype=np.uint8)
        land = np.repeat(np.repeat(coarse, 8, axis=0), 16, axis=1)
        pictures = (land[:360, 4 * k : 4 * k + 640] for k in range(seconds * fps))
        write(folder / f"{number}.mp4", pictures, fps, "libx264", {"preset": "veryfast"})


def make_long_video(path: Path, hours: float) -> None:
    """Cheap to encode: 128x72, of a picture that slides to and fro."""
    land = np.random.default_rng(0).integers(0, 256, (9, 64, 3), dtype=np.uint8)
    land = np.repeat(np.repeat(land, 8, axis=0), 8, axis=1)
    places = (abs(k % 768 - 384) for k in range(int(hours * 3600 * 30)))
    write(path, (land[:, x : x + 128] for x in places), 30, "mpeg4", {})


def write(
    path: Path, pictures: Iterator[np.ndarray], fps: int, codec: str, options: dict[str, str]
) -> None:
    """Encode pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=options)
        stream.pix_fmt = "yuv420p"
        for number, picture in enumerate(pictures):
            if not number:
                stream.height, stream.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def with_pyav(path: Path, resize: bool) -> int:
    """Decode every frame on one thread; scale those that 10 fps needs, and cut out the middle."""
    number = shown = 0
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for number, frame in enumerate(container.decode(video=0), 1):  # noqa: B007
            if resize and (frame.time or 0.0) * FPS >= shown - 0.01:
                shown += 1
                scale = SIZE / min(frame.width, frame.height)
                width, height = round(frame.width * scale), round(frame.height * scale)
                small = frame.reformat(width, height, "rgb24", threads=1).to_ndarray()
                top, left = (height - SIZE) // 2, (width - SIZE) // 2
                np.ascontiguousarray(small[top : top + SIZE, left : left + SIZE])
    return number


def with_children(paths: list[Path]) -> None:
    """The same as `ingest` does it: a child per file, frames through a socket."""
    with ForkServer() as fork_server:
        for path in paths:
            for _ in read_frames(path, FPS, (SIZE, SIZE), fork_server=fork_server):
                pass


def processor_seconds() -> float:
    """What this process and its ended children have used: steady on a busy machine too."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def fewest_seconds(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Processor seconds of each way, the best of some rounds."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, work in ways.items():
            before = processor_seconds()
            work()
            best[name] = min(best[name], processor_seconds() - before)
    return best


def show_speed(videos: Path, scratch: Path, rounds: int) -> None:
    """Print what each way of going through the videos costs."""
    paths = [videos / name for name, _ in find_videos(videos)[0]]
    frames = sum(with_pyav(path, resize=False) for path in paths)
    print(f"{len(paths)} videos, {frames} source frames; to {FPS} fps and {SIZE}x{SIZE}\n")

    def into_clips(cuts: bool, clean: CleanOptions) -> None:
        ingest(videos, scratch / "clips", IngestOptions(workers=1, cuts=cuts, clean=clean))

    alone = "PyAV alone: decode and resize"
    ways: dict[str, Callable[[], object]] = {
        "PyAV alone: decode": lambda: [with_pyav(path, resize=False) for path in paths],
        alone: lambda: [with_pyav(path, resize=True) for path in paths],
        "decode and resize, a child per file": lambda: with_children(paths),
        "ingest, neither cut nor cleaned": functools.partial(into_clips, False, NOT_CLEANED),
        "ingest, cut into scenes": functools.partial(into_clips, True, NOT_CLEANED),
        "ingest": functools.partial(into_clips, True, CleanOptions()),
    }
    best = fewest_seconds(ways, rounds)
    print("frames per processor second, and how that compares with PyAV alone")
    for name, seconds in best.items():
        print(f"  {name:36} {frames / seconds:8.0f} {best[alone] / seconds:8.2f}")


def show_start(path: Path, rounds: int) -> None:
    """Print what opening a file costs besides its frames."""

    def probes(count: int) -> None:
        with ForkServer() as fork_server:
            for _ in range(count):
                probe(path, fork_server=fork_server)

    ways: dict[str, Callable[[], object]] = {
        "first": lambda: probe(path),
        "twenty": functools.partial(probes, 21),
        "none": functools.partial(probes, 0),
    }
    best = fewest_seconds(ways, rounds)
    print("\nprocessor milliseconds until the first frame of a file")
    print(f"  the first file          {1000 * best['first']:6.0f}")
    print(f"  each of those after it  {1000 * (best['twenty'] - best['none']) / 21:6.0f}")


def show_memory(path: Path) -> None:
    """Print the memory of both processes as the video goes by."""
    print("\nMB of memory at its highest: this process, the decoder")
    start = time.perf_counter()
    with Decoding(path, FPS, (SIZE, SIZE)) as decoding:
        total = int((decoding.info.duration or 0) * FPS)
        for number, _ in enumerate(decoding):
            if total and number % (total // 4) == 100:
                here, there = (peak_megabytes(pid) for pid in ("self", decoding.child.pid))
                print(f"  {number / FPS / 60:6.1f} minutes in {here:8.1f} {there:8.1f}")
    print(f"  {total / FPS / 60:.0f} minutes of video took {time.perf_counter() - start:.0f} s")


def peak_megabytes(pid: int | str) -> float:
    """Linux only."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5, help="0 leaves the timing out")
    parser.add_argument("--hours", type=float, default=0.0, help="length of a long video to read")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        videos = arguments.videos or scratch / "videos"
        if not arguments.videos:
            videos.mkdir()
            make_videos(videos)
        if arguments.rounds:
            show_speed(videos, scratch, arguments.rounds)
            show_start(videos / find_videos(videos)[0][0][0], arguments.rounds)
        if arguments.hours:
            make_long_video(scratch / "long.mp4", arguments.hours)
            show_memory(scratch / "long.mp4")


if __name__ == "__main__":
    main()

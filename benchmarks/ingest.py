"""How fast videos become clips, and what each step of it costs.

    python benchmarks/ingest.py            makes its own videos: 8 of 20 s, 640x360, 30 fps, H.264
    python benchmarks/ingest.py VIDEOS     a folder of yours

Decoding in the same process, without the child, is the floor that the others are compared with.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from playworld.data.ingest import IngestOptions, ingest
from playworld.data.sources import find_videos
from playworld.data.video import read_frames


def make_videos(folder: Path, count: int = 8, seconds: int = 20, fps: int = 30) -> None:
    """Films of a camera that slides over a textured landscape."""
    for number in range(count):
        rng = np.random.default_rng(number)
        coarse = rng.integers(0, 256, (46, 220, 3), dtype=np.uint8)
        land = np.repeat(np.repeat(coarse, 8, axis=0), 16, axis=1)
        with av.open(str(folder / f"{number}.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=fps, options={"preset": "veryfast"})
            stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
            for k in range(seconds * fps):
                picture = np.ascontiguousarray(land[:360, 4 * k : 4 * k + 640])
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())


def decode_here(path: Path) -> int:
    """Decode every frame on one thread and throw it away."""
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        return sum(1 for _ in container.decode(video=0))


def row(name: str, work: Callable[[], object], source_frames: int) -> None:
    """Time one way of doing it and print it."""
    start, busy = time.perf_counter(), processor_seconds()
    work()
    seconds, busy = time.perf_counter() - start, processor_seconds() - busy
    rates = f"{source_frames / seconds:10.0f} /s {source_frames / busy:10.0f} per processor second"
    print(f"{name:36} {seconds:7.2f} s {rates}")


def processor_seconds() -> float:
    """What this process and its ended children have used: steady on a busy machine too."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path, nargs="?")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        videos = arguments.videos or Path(scratch, "videos")
        if not arguments.videos:
            videos.mkdir()
            make_videos(videos)
        paths = [videos / name for name, _ in find_videos(videos)[0]]
        frames = sum(decode_here(path) for path in paths)
        print(f"{len(paths)} videos, {frames} source frames; to 10 fps and 64x64\n")
        row("decode only, this process", lambda: [decode_here(path) for path in paths], frames)

        def children() -> None:
            for path in paths:
                for _ in read_frames(path, 10, (64, 64)):
                    pass

        row("decode and resize, a child per file", children, frames)
        for workers in (1, 2):
            for cuts in (False, True):
                options = IngestOptions(workers=workers, cuts=cuts)
                clips = Path(scratch, f"clips-{workers}-{cuts}")
                name = f"ingest, {workers} at a time, {'with' if cuts else 'without'} cuts"
                row(name, lambda c=clips, o=options: ingest(videos, c, o), frames)


if __name__ == "__main__":
    main()

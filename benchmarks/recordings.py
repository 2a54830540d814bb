"""What recordings hold: how well they can be packed, which way they go, how surely that is seen.

    python benchmarks/recordings.py VIDEOS CLIPS     what `playworld record` and `ingest` wrote

The first table packs the frames of some recordings anew, each way into a file of its own, and holds
what comes out against what went in. The second counts movement in some scenes of the training
split as `playworld evaluate` sees it; the third says how good the alignments are that it goes by.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from playworld.data.clips.shards import ShardReader
from playworld.evaluate.image_quality import PSNR_CAP, psnr
from playworld.evaluate.movement import HALF_PIXEL, STILL_ERROR, Displacement, displacement

WAYS = (
    ("libx264rgb", "rgb24", "0"),
    ("libx264rgb", "rgb24", "8"),
    ("libx264", "yuv444p", "0"),
    ("libx264", "yuv420p", "18"),
)
"""Encoder, its pixels, and CRF."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--count", type=int, default=20, help="recordings to pack anew")
    parser.add_argument("--scenes", type=int, default=60, help="scenes to see the movement of")
    arguments = parser.parse_args()
    packing([read(path) for path in sorted(arguments.videos.glob("*.mp4"))[: arguments.count]])
    scenes = list(some_scenes(arguments.clips, arguments.scenes))
    found = [displacement(scene[:-1], scene[1:]) for scene in scenes]
    movement([pairs.xy for pairs in found])
    alignment(found)


def read(path: Path) -> UInt8[Tensor, "T H W C"]:
    """All frames of a video."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return torch.from_numpy(np.stack(frames))


def packing(videos: list[UInt8[Tensor, "T H W C"]]) -> None:
    """Likeness and size of every way to pack."""
    frames = sum(map(len, videos))
    height, width = videos[0].shape[1:3]
    print(f"{len(videos)} recordings, {frames} frames of {width}x{height}")
    print("encoder     pixels     CRF  dB, mean   worst  bytes a frame")
    for encoder, pixels, crf in WAYS:
        likeness, size = [], 0
        for video in videos:
            packed, taken = pack(video, encoder, pixels, crf)
            likeness.append(psnr(packed[None], video[None]).flatten())
            size += taken
        dB = torch.cat(likeness)
        same = "  (the very bytes)" if dB.min() == PSNR_CAP else ""
        print(
            f"{encoder:<12}{pixels:<10}{crf:>4}{dB.mean():>10.1f}{dB.min():>8.1f}"
            f"{size / frames:>15.0f}{same}"
        )


def pack(
    video: UInt8[Tensor, "T H W C"], encoder: str, pixels: str, crf: str
) -> tuple[UInt8[Tensor, "T H W C"], int]:
    """The video after packing, and the bytes that it took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "packed.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream(encoder, rate=20)
            stream.height, stream.width = video.shape[1:3]
            stream.pix_fmt = pixels
            stream.options = {"crf": crf, "preset": "medium"}
            for frame in video.numpy():
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
        return read(path), path.stat().st_size


def some_scenes(clips: Path, count: int) -> Iterator[UInt8[Tensor, "T H W C"]]:
    """Whole scenes of the training split, spread over it."""
    shards = ShardReader(clips / "train")
    places = np.linspace(0, len(shards.scenes) - 1, min(count, len(shards.scenes)))
    for number in places.round().astype(int).tolist():
        yield torch.from_numpy(shards.read(number, 0, shards.scenes[number].num_frames))


def movement(scenes: list[Float[Tensor, "S 2"]]) -> None:
    """Which way the player goes before a camera that follows, and how far it roams."""
    player = -torch.cat(scenes)
    across, climbs = player[:, 0], player[:, 1].abs() >= HALF_PIXEL
    right, left = across >= HALF_PIXEL, across <= -HALF_PIXEL
    upright = climbs & ~right & ~left
    ways = {"right": right, "left": left, "only up or down": upright}
    print(f"\n{len(scenes)} scenes, {len(player)} transitions")
    print(", ".join(f"{name} {share(where)}" for name, where in ways.items()))
    print(f"still {share(~(right | left | climbs))}")
    rightward = across.clamp(min=0).sum() / across.abs().sum()
    print(f"of all pixels sideways, to the right: {rightward:.0%}")
    places = [xy[:, 0].cumsum(dim=0) for xy in scenes]
    roamed = torch.stack([place.max() - place.min() for place in places])
    print(f"in half of the scenes the view roams over {roamed.median():.0f} pixels or more")


def alignment(found: list[Displacement]) -> None:
    """How much of a change the alignment explains."""
    xy, aligned, unaligned = (
        torch.cat([getattr(pairs, name) for pairs in found])
        for name in ("xy", "aligned", "unaligned")
    )
    changed, moved = unaligned > STILL_ERROR, (xy != 0).any(dim=1)
    left = aligned[moved] / unaligned[moved]
    middle, most = torch.quantile(left, torch.tensor([0.5, 0.95])).tolist()
    print(
        f"\nthe picture changed in {share(changed)}; of these it moved in {share(moved[changed])}"
    )
    print(f"of the error at rest alignment leaves {middle:.0%} (95th percentile {most:.0%})")


def share(where: Bool[Tensor, " transitions"]) -> str:
    """As a percentage."""
    return f"{where.float().mean():.0%}"


if __name__ == "__main__":
    main()

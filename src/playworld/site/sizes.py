"""How much a browser downloads to play a world of a site."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playworld.site.pages import Place

GPU = ("ort.webgpu.", ".asyncify.")
"""In names of the runtime's files that only a browser with WebGPU loads, in place of the others."""
NOT_PLAYED = ("LICENSE.txt", "ThirdPartyNotices.txt", "package.json")


@dataclass(frozen=True)
class Download:
    """Bytes that a browser loads to play a world, plain and compressed by gzip."""

    processor: tuple[int, int]
    """Where frames are computed by WebAssembly."""
    webgpu: tuple[int, int]
    """Where they are computed by WebGPU."""
    graphs: int
    """Of the world's graphs, which are part of both."""


def downloads(site: Path, places: Sequence[Place]) -> list[Download]:
    """For each world what is loaded to play it, its prompts included."""
    runtime = [path for path in (site / "ort").iterdir() if path.name not in NOT_PLAYED]
    gpu = [path for path in runtime if any(part in path.name for part in GPU)]
    processor = _sum([path for path in runtime if path not in gpu])
    gpu_runtime = _sum(gpu)
    scripts = [p for folder in ("page", "worker") for p in (site / folder).glob("*")]
    shared = _sum([*scripts, site / "start.js", site / "sw.js"])
    found = []
    for place in places:
        world = list((site / place.folder).rglob("*.*"))
        own = _added(shared, _sum([site / place.page, *world]))
        graphs = sum(path.stat().st_size for path in world if path.suffix == ".onnx")
        found.append(Download(_added(own, processor), _added(own, gpu_runtime), graphs))
    return found


def _sum(paths: Sequence[Path]) -> tuple[int, int]:
    plain = [path.read_bytes() for path in paths if path.is_file()]
    return sum(map(len, plain)), sum(len(gzip.compress(content, 6)) for content in plain)


def _added(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]

"""How much a browser downloads to play a world of a site."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playworld.site.pages import Place

GPU = ("ort.webgpu.", ".asyncify.")
"""In names of the runtime's files for WebGPU."""
NOT_PLAYED = ("LICENSE.txt", "ThirdPartyNotices.txt", "package.json")


@dataclass(frozen=True)
class Download:
    """Bytes that a browser loads to play a world, each plain and compressed by gzip."""

    played: tuple[int, int]
    """Page, prompts, graphs, and the runtime for processors."""
    webgpu: tuple[int, int]
    """What a browser with WebGPU then loads as well, to try that."""
    graphs: int
    """Of the world's graphs, plain."""


def downloads(site: Path, version: str, places: Sequence[Place]) -> list[Download]:
    """For each world what is loaded to play it, its prompts included."""
    parts = site / version
    runtime = [path for path in (parts / "ort").iterdir() if path.name not in NOT_PLAYED]
    gpu = [path for path in runtime if any(part in path.name for part in GPU)]
    scripts = [p for folder in ("page", "worker") for p in (parts / folder).iterdir()]
    processor = [path for path in runtime if path not in gpu]
    shared = _sum([*processor, *scripts, parts / "start.js", site / "sw.js"])
    webgpu, found = _sum(gpu), []
    for place in places:
        world = list((parts / place.folder).rglob("*.*"))
        plain, packed = _sum([site / place.page, *world])
        graphs = sum(path.stat().st_size for path in world if path.suffix == ".onnx")
        found.append(Download((shared[0] + plain, shared[1] + packed), webgpu, graphs))
    return found


def _sum(paths: Sequence[Path]) -> tuple[int, int]:
    plain = [path.read_bytes() for path in paths if path.is_file()]
    return sum(map(len, plain)), sum(len(gzip.compress(content, 6)) for content in plain)

"""Frames and films inside the page, as data."""

import base64
import io
from collections.abc import Sequence

from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from playworld.evaluate.pictures import Grid
from playworld.evaluate.report import SideBySide
from playworld.images import CLEAR, image, tiled
from playworld.markup import Html, tag

GAP = 3
"""Clear pixels between videos that run side by side."""

QUALITY = 82
"""Of films, 0 to 100; single frames lose nothing."""

REST = 6
"""Frames for which a film rests on its last one before it begins again."""


def frames_table(grid: Grid) -> Html:
    """A grid of frames; every picture is an image of its own, enlarged by the browser."""
    head = tag("tr", tag("th"), *(tag("th", title, scope="col") for title in grid.columns))
    rows = []
    for name, row in zip(grid.names, grid.rows, strict=True):
        cells = [
            tag("td", _still(frame, f"{name}, {title}"))
            for frame, title in zip(row, grid.columns, strict=True)
        ]
        rows.append(tag("tr", tag("th", name, scope="row"), *cells))
    whole = tag("table", tag("thead", head), tag("tbody", *rows), class_="frames")
    return tag("div", whole, class_="scroll", tabindex=0)


def films(shown: Sequence[SideBySide]) -> Html:
    """Films that run for ever; where motion is not wanted, their last frame."""
    widest = max(len(film.videos) for film in shown)
    return tag("div", *map(_film, shown), class_="films", style=f"--videos: {widest}")


def _film(film: SideBySide) -> Html:
    frames = _side_by_side(film)
    data = io.BytesIO()
    lasts = [round(1000 / film.fps)] * len(frames)
    lasts[-1] *= REST
    frames[0].save(
        data,
        format="WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=lasts,
        loop=0,
        quality=QUALITY,
        method=2,
    )
    still = _url(_bytes(frames[-1]))
    names = list(film.videos)
    moving = tag(
        "picture",
        tag("source", srcset=still, media="(prefers-reduced-motion: reduce)"),
        tag("img", src=_url(data.getvalue()), alt=" beside ".join(names), **_size(frames[0])),
    )
    caption = tag("figcaption", *(tag("span", name) for name in names))
    gap = f"{GAP / frames[0].width:.2%}"
    style = f"--videos: {len(names)}; --gap: {gap}"
    return tag("figure", caption, moving, class_="film", style=style)


def _side_by_side(film: SideBySide) -> list[Image.Image]:
    count = len(film.videos)
    return [
        tiled(map(image, moment), count, count, GAP, CLEAR)
        for moment in zip(*film.videos.values(), strict=True)
    ]


def _still(frame: UInt8[Tensor, "H W C"], alt: str) -> Html:
    picture = image(frame)
    return tag("img", src=_url(_bytes(picture)), alt=alt, **_size(picture))


def _bytes(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, format="WEBP", lossless=True, method=2)
    return data.getvalue()


def _url(webp: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(webp).decode()}"


def _size(picture: Image.Image) -> dict[str, int]:
    return {"width": picture.width, "height": picture.height}

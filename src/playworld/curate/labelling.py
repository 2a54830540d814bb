"""The page for labelling: one stretch at a time, looping, and a key for each label."""

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Body, FastAPI, HTTPException, Response
from jaxtyping import UInt8

from playworld.atomic import alone
from playworld.config import InputError
from playworld.curate.labels import BEST, WORST, Labels, labels_path
from playworld.curate.options import LabelOptions
from playworld.curate.stretches import Footage, label_order
from playworld.data.clips.shards import DamagedChunk
from playworld.images import QUICK, image, tiled, to_png
from playworld.play.connection_limits import ConnectionLimits, connections_that_fit
from playworld.play.options import MAX_CONNECTIONS, MAX_PER_ADDRESS
from playworld.play.origin_check import OriginCheck
from playworld.play.pages import add_parts, html, with_shared
from playworld.play.refusals import add_refusals
from playworld.play.server import answer, bound

GivenLabel = Annotated[int | None, Body(embed=True, ge=WORST, le=BEST)]
"""What the page sends, as {"label": 5}; null skips."""


class Desk:
    """The stretches in the order of labelling, and their labels.

    Positions count from 0 in that order. Every change is on the disk when its call returns.
    """

    def __init__(self, footage: Footage, labels: Labels, seed: int) -> None:
        self.footage, self.labels = footage, labels
        self.order = label_order(footage, labels.stretches, seed)
        self._places = {stretch: place for place, stretch in enumerate(self.order)}
        self._lock = threading.Lock()

    def summary(self) -> dict[str, Any]:
        """What the page shows beside the stretch, and where to go on."""
        with self._lock:
            counts, given = self.labels.counts(), self.labels.given
            free = (n for n, stretch in enumerate(self.order) if stretch not in given)
            return {
                "total": len(self.order),
                "next": next(free, len(self.order)),
                "counts": [counts[label] for label in range(WORST, BEST + 1)],
                "skipped": counts[None],
            }

    def about(self, place: int) -> dict[str, Any]:
        """One stretch and its label; `null` where it was skipped, nothing where it is new."""
        stretch = self.order[place]
        begin, end = self.footage.times(stretch)
        entry = {"source": self.footage.source(stretch), "begin": begin, "end": end}
        entry |= {"frames": stretch.frames, "columns": columns(stretch.frames)}
        with self._lock:
            if stretch in self.labels.given:
                entry["label"] = self.labels.given[stretch]
        return entry

    def give(self, place: int, label: int | None) -> None:
        """Label a stretch."""
        with self._saving():
            self.labels.give(self.order[place], label)

    def take_back(self) -> int | None:
        """Forget the label that was given last; returns where that was."""
        with self._saving():
            stretch = self.labels.take_back()
        return None if stretch is None else self._places[stretch]

    @contextlib.contextmanager
    def _saving(self) -> Iterator[None]:
        """A change that is on the disk, or has not happened."""
        with self._lock:
            before = dict(self.labels.given)
            try:
                yield
                self.labels.save()
            except OSError:
                self.labels.given = before
                raise


def columns(frames: int) -> int:
    """Frames side by side on a sheet: no side of it grows too long for a picture file."""
    return math.ceil(math.sqrt(frames))


def sheet(frames: UInt8[np.ndarray, "T H W 3"]) -> bytes:
    """All frames of a stretch as one PNG, in rows of `columns`: the very pixels of the clips."""
    count = len(frames)
    return to_png(tiled(map(image, frames), count, columns(count), paper="black"), QUICK)


def page_of(*folders: str) -> APIRouter:
    """A page of files in these folders of the package.

    Of two files with one name the one in the later folder is served.
    """
    router, here = APIRouter(), files("playworld.curate")
    page = {item.name: item.read_bytes() for name in folders for item in (here / name).iterdir()}

    @router.get("/")
    async def index() -> Response:
        return html(with_shared(page["index.html"]))

    add_parts(router, page)
    return router


def app_of(page: APIRouter, host: str) -> FastAPI:
    """A page as an ASGI application, with the origin check around it."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(OriginCheck, listens_at=host, names=None)
    add_refusals(app)
    app.include_router(page)
    return app


def serve(app: FastAPI, port: int, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve a page on this machine until Ctrl-C."""
    with bound("127.0.0.1", port) as listener:
        limits = ConnectionLimits(connections_that_fit(MAX_CONNECTIONS), MAX_PER_ADDRESS)
        answer(app, listener, "127.0.0.1", limits, on_ready)


def create_app(desk: Desk, host: str = "127.0.0.1") -> FastAPI:
    """The page and its few answers as an ASGI application."""
    page, footage = page_of("page"), desk.footage

    def known(place: int) -> int:
        if not 0 <= place < len(desk.order):
            raise HTTPException(404, "There is no such stretch.")
        return place

    @page.get("/api/v1/clips")
    def describe() -> dict[str, Any]:
        return {
            "clips": footage.clips.name,
            "file": desk.labels.path.name,
            "width": footage.width,
            "height": footage.height,
            "fps": footage.fps,
            **desk.summary(),
        }

    @page.get("/api/v1/stretches/{place}")
    def about(place: int) -> dict[str, Any]:
        return desk.about(known(place))

    @page.get("/api/v1/stretches/{place}/frames")
    def frames(place: int) -> Response:
        try:
            return Response(sheet(footage.read(desk.order[known(place)])), media_type="image/png")
        except DamagedChunk:
            raise HTTPException(410, "The bytes of this stretch are damaged.") from None

    @page.put("/api/v1/stretches/{place}/label")
    def give(place: int, label: GivenLabel) -> dict[str, Any]:
        saved(lambda: desk.give(known(place), label))
        return desk.summary()

    @page.post("/api/v1/undo")
    def undo() -> dict[str, Any]:
        place = saved(desk.take_back)
        return {"place": place, **desk.summary()}

    return app_of(page, host)


def saved(change: Callable[[], Any]) -> Any:
    """What a change returns; refused where the disk does not take it."""
    try:
        return change()
    except OSError:
        raise HTTPException(507, "The labels cannot be saved: is the disk full?") from None


def label(
    clips: Path, options: LabelOptions, on_ready: Callable[[str], None] | None = None
) -> Path:
    """Serve the page on this machine until Ctrl-C; returns the file of labels.

    Raises:
        InputError: for clips or labels that cannot be used.
    """
    footage = Footage(clips)
    path = Path(options.labels or labels_path(clips))
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is no folder: labels need one to be written to")
    with alone(path, f"{path} is open in another `playworld curate label`"):
        labels = Labels(path, footage, options.length)
        serve(create_app(Desk(footage, labels, options.seed)), options.port, on_ready)
    return path

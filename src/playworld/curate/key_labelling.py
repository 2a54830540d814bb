"""The page for naming buttons: moments in slow motion, and the key pressed at each of them."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from fastapi import BackgroundTasks, Body, FastAPI, HTTPException, Response
from jaxtyping import UInt8

from playworld.config import InputError
from playworld.curate.labelling import columns, page_app, saved, serve, sheet
from playworld.play.label_terminal import NAMES, SLOWER, key_name

PressedKey = Annotated[str | None, Body(embed=True, min_length=1, max_length=1)]
"""What the page sends, as {"key": "x"}; null takes it back."""
Given = Mapping[int, str]
"""Names of the keys that were pressed, by the position of their moment."""


@dataclass(frozen=True)
class Moments:
    """What is shown, and what becomes of the answers."""

    world: str
    """Name of the world whose buttons are named."""
    films: Sequence[UInt8[np.ndarray, "T H W 3"]]
    """Frames around each moment."""
    change: int
    """The key leads from this frame to the next."""
    fps: float
    names: Mapping[str, str]
    """Names of single keys, beside `label_terminal.NAMES`."""
    keep: Callable[[Given], None]
    """Writes the keys; called after each."""
    end: Callable[[Given], list[dict[str, str]]]
    """Names the buttons; returns the arrow, the label and the keys of each."""


class KeyDesk:
    """The moments and the keys that were pressed for them."""

    def __init__(self, moments: Moments) -> None:
        self.moments = moments
        self.given: dict[int, str] = {}
        self._lock = threading.Lock()

    def summary(self) -> dict[str, Any]:
        """What the page shows beside the moment."""
        return {"total": len(self.moments.films), "given": len(self.given)}

    def press(self, place: int, key: str | None) -> str | None:
        """Give a moment the name of a key, or none again; on the disk when this returns."""
        name = None if key is None else key_name(key, self.moments.names)
        if name == "":
            raise HTTPException(400, "This key has no name.")
        with self._lock:
            given = {k: v for k, v in self.given.items() if k != place}
            given |= {} if name is None else {place: name}
            self.moments.keep(given)
            self.given = given
        return name


def create_app(desk: KeyDesk, stop: Callable[[], None], host: str = "127.0.0.1") -> FastAPI:
    """The page as an ASGI application; `stop` is called once the buttons are named."""
    app, moments = page_app(host, "page", "key_page"), desk.moments
    height, width = moments.films[0].shape[1:3]

    def known(place: int) -> int:
        if not 0 <= place < len(moments.films):
            raise HTTPException(404, "There is no such moment.")
        return place

    @app.get("/api/v1/moments")
    def describe() -> dict[str, Any]:
        names = NAMES | dict(moments.names)
        return {
            "world": moments.world,
            "width": width,
            "height": height,
            "fps": moments.fps / SLOWER,
            "change": moments.change,
            "keys": [{"key": key, "name": name} for key, name in names.items()],
            **desk.summary(),
        }

    @app.get("/api/v1/stretches/{place}")
    def about(place: int) -> dict[str, Any]:
        frames = len(moments.films[known(place)])
        entry: dict[str, Any] = {"frames": frames, "columns": columns(frames)}
        return entry | ({"label": desk.given[place]} if place in desk.given else {})

    @app.get("/api/v1/stretches/{place}/frames")
    def frames(place: int) -> Response:
        return Response(sheet(moments.films[known(place)]), media_type="image/png")

    @app.put("/api/v1/stretches/{place}/key")
    def press(place: int, key: PressedKey) -> dict[str, Any]:
        name = saved(lambda: desk.press(known(place), key))
        return {"name": name, **desk.summary()}

    @app.post("/api/v1/end")
    def end(after: BackgroundTasks) -> dict[str, Any]:
        if not desk.given:
            raise HTTPException(400, "No key was pressed yet.")
        try:
            rows = saved(lambda: moments.end(desk.given))
        except InputError as error:
            raise HTTPException(400, str(error)) from None
        after.add_task(stop)
        return {"buttons": rows}

    return app


def ask_on_page(moments: Moments, port: int, on_ready: Callable[[str], None]) -> Given:
    """Serve the page on this machine until its buttons are named, or Ctrl-C; returns the keys."""
    desk = KeyDesk(moments)
    app = create_app(desk, stop=lambda: os.kill(os.getpid(), signal.SIGINT))
    with contextlib.suppress(KeyboardInterrupt):
        serve(app, port, on_ready)
    return desk.given

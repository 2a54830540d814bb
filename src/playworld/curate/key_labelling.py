"""The page for naming buttons: moments in slow motion, and the key pressed at each of them."""

import contextlib
import functools
import os
import secrets
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, BackgroundTasks, Body, HTTPException, Response
from jaxtyping import UInt8

from playworld.config import InputError
from playworld.curate.labelling import app_of, columns, page_of, saved, serve, sheet
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
    play: str = ""
    """Address of the page on which the world is played; none where a terminal says how."""


class KeyDesk:
    """The moments and the keys that were pressed for them."""

    def __init__(self, choose: Callable[[], Moments]) -> None:
        """Args: `choose` is called once, when the moments are first needed; takes seconds."""
        self.id = secrets.token_hex(4)
        """Tells these moments from those that a page was given by an earlier desk."""
        self.given: dict[int, str] = {}
        self._choose = choose
        self._lock = threading.Lock()

    @functools.cached_property
    def _moments(self) -> Moments:
        return self._choose()

    @property
    def moments(self) -> Moments:
        """What is shown."""
        with self._lock:
            return self._moments

    def summary(self) -> dict[str, Any]:
        """What the page shows beside the moment."""
        return {"total": len(self.moments.films), "given": len(self.given)}

    def press(self, place: int, key: str | None) -> str | None:
        """Give a moment the name of a key, or none again; on the disk when this returns."""
        moments = self.moments
        name = None if key is None else key_name(key, moments.names)
        if name == "":
            raise HTTPException(400, "This key has no name.")
        with self._lock:
            given = {k: v for k, v in self.given.items() if k != place}
            given |= {} if name is None else {place: name}
            moments.keep(given)
            self.given = given
        return name

    def end(self) -> list[dict[str, str]]:
        """Name the buttons; returns the arrow, the label and the keys of each."""
        moments = self.moments
        with self._lock:
            return moments.end(self.given)


def key_page(desk: KeyDesk, ended: Callable[[], None] = lambda: None) -> APIRouter:
    """The page and its answers; `ended` is called once the buttons are named."""
    page = page_of("page", "key_page")

    def known(place: int) -> int:
        if not 0 <= place < len(desk.moments.films):
            raise HTTPException(404, "There is no such moment.")
        return place

    def refuse_other(id: str) -> None:
        if id != desk.id:
            raise HTTPException(409, "Other moments are asked for now: load this page again.")

    @page.get("/api/v1/moments")
    def describe() -> dict[str, Any]:
        moments = possible(lambda: desk.moments)
        height, width = moments.films[0].shape[1:3]
        names = NAMES | dict(moments.names)
        return {
            "desk": desk.id,
            "world": moments.world,
            "play": moments.play,
            "width": width,
            "height": height,
            "fps": moments.fps / SLOWER,
            "change": moments.change,
            "keys": [{"key": key, "name": name} for key, name in names.items()],
            **desk.summary(),
        }

    @page.get("/api/v1/stretches/{place}")
    def about(place: int) -> dict[str, Any]:
        frames = len(desk.moments.films[known(place)])
        entry: dict[str, Any] = {"frames": frames, "columns": columns(frames)}
        return entry | ({"label": desk.given[place]} if place in desk.given else {})

    @page.get("/api/v1/stretches/{place}/frames")
    def frames(place: int) -> Response:
        return Response(sheet(desk.moments.films[known(place)]), media_type="image/png")

    @page.put("/api/v1/stretches/{place}/key")
    def press(place: int, key: PressedKey, id: str) -> dict[str, Any]:
        refuse_other(id)
        name = saved(lambda: desk.press(known(place), key))
        return {"name": name, **desk.summary()}

    @page.post("/api/v1/end")
    def end(after: BackgroundTasks, id: str) -> dict[str, Any]:
        refuse_other(id)
        if not desk.given:
            raise HTTPException(400, "No key was pressed yet.")
        rows = possible(lambda: saved(desk.end))
        after.add_task(ended)
        return {"buttons": rows}

    return page


def possible(act: Callable[[], Any]) -> Any:
    """What it returns; refused in its sentence where the files do not allow it."""
    try:
        return act()
    except InputError as error:
        raise HTTPException(400, str(error)) from None


def ask_on_page(moments: Moments, port: int, on_ready: Callable[[str], None]) -> Given:
    """Serve the page on this machine until its buttons are named, or Ctrl-C; returns the keys."""
    desk = KeyDesk(lambda: moments)
    page = key_page(desk, ended=lambda: os.kill(os.getpid(), signal.SIGINT))
    with contextlib.suppress(KeyboardInterrupt):
        serve(app_of(page, "127.0.0.1"), port, on_ready)
    return desk.given

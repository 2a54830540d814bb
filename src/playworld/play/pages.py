"""The files of the page, which are the same for every world."""

import functools
from collections.abc import Mapping
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Response

MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}
SHARED = "head", "wordmark"
"""What all pages have, each in a file of its own: stands in a page as a comment of its name."""


@functools.cache
def page_files() -> Mapping[str, bytes]:
    """Every file of the page by its name."""
    return {item.name: item.read_bytes() for item in (files("playworld.play") / "page").iterdir()}


@functools.cache
def document(name: str) -> bytes:
    """A page that a browser opens, with what all of them have."""
    return with_shared(page_files()[name])


def with_shared(page: bytes) -> bytes:
    """A page with the files of `SHARED` in place of its comments."""
    for part in SHARED:
        page = page.replace(f"<!-- {part} -->".encode(), page_files()[f"{part}.html"].strip())
    return page


def add_page(router: APIRouter) -> None:
    """The page on which a world is played."""

    @router.get("/")
    async def index() -> Response:
        return html(document("index.html"))

    add_parts(router, page_files())


def add_parts(router: APIRouter, parts: Mapping[str, bytes]) -> None:
    """The files that a page loads, by name, under `page/` beside it."""

    @router.get("/page/{name}")
    async def part(name: str) -> Response:
        if name not in parts:
            raise HTTPException(404, "There is no such file.")
        return Response(parts[name], media_type=MEDIA_TYPES[name.rsplit(".", 1)[-1]])


def add_slash(router: APIRouter, name: str) -> None:
    """The address without its last slash, from where no file of the page would be found.

    The redirection names no host: a proxy may have made another one of it.
    """

    @router.get("")
    async def with_slash() -> Response:
        return Response(status_code=307, headers={"location": f"{name}/"})


def html(content: str | bytes, status: int = 200) -> Response:
    """A page."""
    return Response(content, status, media_type=MEDIA_TYPES["html"])

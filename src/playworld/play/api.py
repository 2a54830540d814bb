"""What is asked for over HTTP before a game: the world, its pictures, and the player's own."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict

from fastapi import FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from jaxtyping import UInt8
from starlette.requests import ClientDisconnect
from torch import Tensor

from playworld import __version__
from playworld.config import InputError
from playworld.play.images import read_picture, to_png
from playworld.play.layout import layout
from playworld.play.options import PlayOptions
from playworld.play.sessions import MAX_UPLOADS, Session, Sessions
from playworld.world import World

UPLOADS_AT_ONCE = 8
"""Uploads that are read at the same time; others wait with their bytes unread."""
UPLOAD_SECONDS = 30.0
"""How long an upload may take: a body that trickles in holds a connection."""


def find(sessions: Sessions, id: str) -> Session:
    """The session that a request names in its header.

    Raises:
        HTTPException: 404.
    """
    session = sessions.find(id)
    if session is None:
        raise HTTPException(404, "There is no such session.")
    return session


def add_world(
    app: FastAPI,
    world: World,
    prompts: Sequence[tuple[str, UInt8[Tensor, "H W 3"]]],
    options: PlayOptions,
    links: Sequence[str] = (),
) -> None:
    """The description of the world, its card, and its prompts as PNG."""
    pictures = [to_png(picture) for _, picture in prompts]
    sampler = world.config.sampler
    description = {
        "name": world.config.name,
        "width": world.width,
        "height": world.height,
        "fps": world.fps,
        "buttons": [{"label": button.label, "arrow": button.arrow} for button in world.buttons],
        "layout": asdict(layout(world.buttons)),
        "prompts": [
            {"name": name, "url": f"/api/v1/prompts/{i}"} for i, (name, _) in enumerate(prompts)
        ],
        "sampler": {"steps": sampler.steps, "temperature": sampler.temperature},
        "version": __version__,
        "sha256": world.sha256,
        "max_nodes": options.max_nodes,
        "max_upload_bytes": int(1e6 * options.max_upload_mb),
        "addresses": list(links),
    }

    @app.get("/api/v1/world")
    async def describe() -> JSONResponse:
        return JSONResponse(description)

    @app.post("/api/v1/welcome", status_code=204)
    async def welcome() -> None:
        """The guard has let it in: what a page asks whose WebSocket was refused without a word."""

    @app.get("/api/v1/card")
    async def card() -> Response:
        return Response(world.card, media_type="text/markdown; charset=utf-8")

    @app.get("/api/v1/prompts/{number}")
    async def prompt(number: int) -> Response:
        if not 0 <= number < len(pictures):
            raise HTTPException(404, "There is no such picture.")
        return Response(pictures[number], media_type="image/png")


def add_picture(app: FastAPI, world: World, sessions: Sessions, options: PlayOptions) -> None:
    """The upload of a picture to start from, and its end."""
    max_bytes = int(1e6 * options.max_upload_mb)
    max_pixels = int(1e6 * options.max_upload_megapixels)
    one_at_a_time = asyncio.Semaphore(1)  # each may take 4 bytes a pixel while it is decoded
    few_at_a_time = asyncio.Semaphore(UPLOADS_AT_ONCE)  # their bytes are in memory until decoded

    def room_for_one(id: str) -> Session:
        session = find(sessions, id)
        if len(session.uploads) >= MAX_UPLOADS:
            raise HTTPException(409, f"A session keeps {MAX_UPLOADS} pictures, and has them.")
        return session

    @app.post("/api/v1/picture")
    async def upload(request: Request, x_playworld_session: str = Header("")) -> JSONResponse:
        room_for_one(x_playworld_session)
        async with few_at_a_time:
            data = await _read_body(request, max_bytes)
            try:
                async with one_at_a_time:
                    picture = await asyncio.to_thread(read_picture, data, max_pixels)
                    frame = await asyncio.to_thread(world.prompt, picture)
            except InputError as error:
                raise HTTPException(400, str(error)) from None
        session = room_for_one(x_playworld_session)  # much may have happened meanwhile
        return JSONResponse({"picture": session.keep(frame)})

    @app.delete("/api/v1/picture/{number}")
    async def delete(number: int, x_playworld_session: str = Header("")) -> Response:
        if find(sessions, x_playworld_session).uploads.pop(number, None) is None:
            raise HTTPException(404, "There is no such picture.")
        return Response(status_code=204)


async def _read_body(request: Request, max_bytes: int) -> bytes:
    # Counted while reading: Content-Length may be missing, or a lie.
    data = bytearray()
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            async for part in request.stream():
                data += part
                if len(data) > max_bytes:
                    raise HTTPException(413, "This file is too large. Send a smaller one.")
    except ClientDisconnect:
        raise HTTPException(400, "The picture did not arrive.") from None
    except TimeoutError:
        raise HTTPException(408, "The picture took too long to arrive. Try again.") from None
    return bytes(data)

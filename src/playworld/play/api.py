"""What is asked for over HTTP before a game: the world and its pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import JSONResponse
from jaxtyping import UInt8
from torch import Tensor

from playworld import __version__
from playworld.images import QUICK, to_png
from playworld.play.games import Games
from playworld.play.layout import layout
from playworld.play.options import PlayOptions
from playworld.play.sessions import Session
from playworld.world import World


async def find(games: Games, id: str) -> Session:
    """The session that a request names in its header.

    Raises:
        HTTPException: 404.
    """
    session = await games.look(id)
    if session is None:
        raise HTTPException(404, "There is no such session.")
    return session


def description(
    world: World,
    prompts: Sequence[str],
    options: PlayOptions,
    prefix: str = "",
    links: Sequence[str] = (),
    places: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """All that the page has to know of a world; `prompts` are the names of its pictures."""
    sampler = world.config.sampler
    return {
        "name": world.config.name,
        "width": world.width,
        "height": world.height,
        "fps": world.fps,
        "buttons": [{"label": button.label, "arrow": button.arrow} for button in world.buttons],
        "layout": asdict(layout(world.buttons)),
        "prompts": [
            {"name": name, "url": f"{prefix}/api/v1/prompts/{i}"} for i, name in enumerate(prompts)
        ],
        "sampler": {"steps": sampler.steps, "temperature": sampler.temperature},
        "version": __version__,
        "sha256": world.sha256,
        "max_nodes": options.max_nodes,
        "max_upload_bytes": int(1e6 * options.max_upload_mb),
        "addresses": list(links),
        "places": dict(places or {}),
    }


def add_world(
    router: APIRouter,
    world: World,
    prompts: Sequence[tuple[str, UInt8[Tensor, "H W 3"]]],
    options: PlayOptions,
    prefix: str = "",
    links: Sequence[str] = (),
    places: Mapping[str, str] | None = None,
) -> None:
    """The description of the world, its card, and its prompts as PNG."""
    pictures = [to_png(picture, QUICK) for _, picture in prompts]
    names = [name for name, _ in prompts]
    described = description(world, names, options, prefix, links, places)

    @router.get("/api/v1/world")
    async def describe() -> JSONResponse:
        return JSONResponse(described)

    @router.post("/api/v1/welcome", status_code=204)
    async def welcome() -> None:
        """It has passed the origin check: a page cannot read why a WebSocket was refused."""

    @router.get("/api/v1/card")
    async def card() -> Response:
        return Response(world.card, media_type="text/markdown; charset=utf-8")

    @router.get("/api/v1/prompts/{number}")
    async def prompt(number: int) -> Response:
        if not 0 <= number < len(pictures):
            raise HTTPException(404, "There is no such picture.")
        return Response(pictures[number], media_type="image/png")

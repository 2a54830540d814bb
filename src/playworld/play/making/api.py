"""What is asked for over HTTP to make a world: docs/serve.md says it to programs."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse

from playworld.config import InputError
from playworld.data.clips.inventory import contact_sheet
from playworld.play.making.project import Project
from playworld.play.making.understood import figures, understood
from playworld.play.making.workshop import Workshop
from playworld.play.pages import add_parts, add_slash, document, html, page_files

SLICE_BYTES = 4_000_000
"""Bytes of a video that one request brings, where the server takes as many."""
SHEET_SCENES = 8
"""Scenes on the sheet."""
PLACE = "/make"
API = "/api/v1/making"
REFUSED = (
    "No worlds are made on this server: others than its own machine reach it, and it was started "
    "without --allow-making."
)
NO_PICTURE = "There is no such picture yet."


def refuse_making(router: APIRouter) -> None:
    """Say in a sentence that this server makes no worlds."""

    async def refuse() -> None:
        raise HTTPException(403, REFUSED)

    for path in (PLACE, f"{PLACE}/", f"{API}", f"{API}/{{rest:path}}"):
        router.add_api_route(path, refuse, methods=["GET", "POST", "PUT", "DELETE"])


def add_making(
    router: APIRouter,
    workshop: Workshop,
    taken: Callable[[], set[str]],
    forget: Callable[[str], Awaitable[None]],
    max_body: int,
) -> None:
    """The page that makes worlds, and its API.

    Args:
        router: the server's.
        workshop: where they are made.
        taken: names in addresses that other worlds have.
        forget: closes a world that is being played.
        max_body: bytes that a request may bring.
    """
    limits = {
        "video_bytes": int(1e6 * workshop.options.max_video_mb),
        "videos_bytes": int(1e6 * workshop.options.max_videos_mb),
        "minutes": workshop.options.max_making_minutes,
        "slice_bytes": min(SLICE_BYTES, max_body),
    }

    @router.get(API)
    def all_projects() -> JSONResponse:
        job = workshop.jobs.current()
        return JSONResponse(
            {
                "worlds": [workshop.state(project) for project in workshop.projects()],
                "at_work": None if job is None else job.name,
                "limits": limits | {"room_bytes": max(0, workshop.videos.room())},
                "folder": str(workshop.folder),
            }
        )

    @router.post(API, status_code=201)
    def begin(title: str) -> dict[str, str]:
        return {"name": workshop.begin(title, taken()).name}

    @router.get(f"{API}/{{name}}")
    def one(name: str) -> JSONResponse:
        return JSONResponse(_whole(workshop, workshop.find(name)))

    @router.delete(f"{API}/{{name}}", status_code=204)
    async def delete(name: str) -> None:
        await asyncio.to_thread(workshop.delete, workshop.find(name))
        await forget(name)

    @router.put(f"{API}/{{name}}/video")
    async def take(
        request: Request,
        name: str,
        file: str,
        size: int = Query(ge=1),
        at: int = Query(0, ge=0),
    ) -> JSONResponse:
        project = workshop.find(name)
        workshop.refuse_fixed(project)
        return JSONResponse(await workshop.videos.take(project, file, at, size, request))

    @router.delete(f"{API}/{{name}}/video", status_code=204)
    def remove(name: str, file: str) -> None:
        project = workshop.find(name)
        workshop.refuse_fixed(project)
        workshop.videos.remove(project, file)

    @router.post(f"{API}/{{name}}/read", status_code=202)
    def read(name: str) -> JSONResponse:
        project = workshop.find(name)
        workshop.read(project)
        return JSONResponse(workshop.state(project), 202)

    @router.post(f"{API}/{{name}}/train", status_code=202)
    def train(name: str, minutes: float, gravity: bool = False) -> JSONResponse:
        project = workshop.find(name)
        workshop.train(project, minutes, gravity)
        return JSONResponse(workshop.state(project), 202)

    @router.post(f"{API}/{{name}}/stop", status_code=202)
    def stop(name: str) -> JSONResponse:
        project = workshop.find(name)
        workshop.stop(project)
        return JSONResponse(workshop.state(project), 202)

    @router.get(f"{API}/{{name}}/sheet")
    def sheet(name: str) -> Response:
        picture = io.BytesIO()
        try:
            contact_sheet(workshop.find(name).clips, SHEET_SCENES).save(picture, "PNG")
        except (InputError, OSError):  # there are no clips, or they are being replaced
            raise HTTPException(404, NO_PICTURE) from None
        return Response(picture.getvalue(), media_type="image/png")

    @router.get(f"{API}/{{name}}/picture")
    def picture(name: str) -> Response:
        drawn = workshop.find(name).picture()
        if drawn is None:
            raise HTTPException(404, NO_PICTURE)
        return Response(drawn.read_bytes(), media_type="image/png")

    @router.get(f"{PLACE}/")
    async def page() -> Response:
        return html(document("make.html"))

    pages = APIRouter(prefix=PLACE)
    add_slash(pages, "make")
    add_parts(pages, page_files())
    router.include_router(pages)


def _whole(workshop: Workshop, project: Project) -> dict[str, Any]:
    """All that the page shows of one project."""
    drawn = project.picture()
    return workshop.state(project) | {
        "files": project.files(),
        "understood": understood(project),
        "is_fixed": project.is_trained,
        "picture": None if drawn is None else drawn.stat().st_mtime_ns,
        "figures": figures(project),
    }

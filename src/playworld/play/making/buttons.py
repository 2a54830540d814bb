"""The pages on which the buttons of worlds that were made here are named by key presses."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import HTTPException
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from playworld.play.making.project import Project
from playworld.play.making.workshop import Workshop

PLACE = "/buttons"
UNFINISHED = "Its buttons can be named once it is finished."

NamingPage = Callable[[Path, Path, str], ASGIApp]
"""The page for the folder of a world, its clips, and the address at which the world is played."""


class ButtonPages:
    """The page of every world that is finished, made when it is first asked for."""

    def __init__(self, workshop: Workshop, page: NamingPage) -> None:
        """Args: `workshop` is where the worlds are made."""
        self._workshop, self._page = workshop, page
        self._made: dict[str, tuple[Any, ASGIApp]] = {}

    def route(self) -> Mount:
        """All of them, under `/buttons/NAME/`."""
        return Mount(f"{PLACE}/{{name}}", app=self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the page of the world; a new one where there is a newer state of it."""
        if scope["type"] != "http":
            await WebSocketClose()(scope, receive, send)
            return
        project, stamp = await asyncio.to_thread(self._find, scope["path_params"]["name"])
        name = project.name
        if name not in self._made or self._made[name][0] != stamp:
            page = self._page(project.world, project.clips, f"../../w/{name}/")
            self._made[name] = stamp, page
        await self._made[name][1](scope, receive, send)

    def _find(self, name: str) -> tuple[Project, Any]:
        project = self._workshop.find(name)
        if not project.is_finished:
            raise HTTPException(409, UNFINISHED)
        return project, project.stamp()

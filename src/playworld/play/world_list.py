"""Several worlds behind one address: a list for programs, a page for people to choose from."""

import re
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from playworld.markup import Html, join, tag
from playworld.play.pages import add_parts, document, html
from playworld.play.served import ServedWorld, slug
from playworld.world import Button, World

LONGEST_LINE = 200
"""Characters of a card that the page of all worlds shows."""
MOST_CHIPS = 8
"""Buttons of a world that the page of all worlds names."""
MARK = b"<!-- worlds -->"
"""Where they stand in the page."""


def add_list(router: APIRouter, served: Sequence[ServedWorld]) -> None:
    """Which worlds there are, for programs."""

    @router.get("/api/v1/worlds")
    async def worlds() -> JSONResponse:
        return JSONResponse({"worlds": [describe(world) for world in served]})


def add_lobby(router: APIRouter, served: Sequence[ServedWorld]) -> None:
    """The page on which a world is chosen."""
    cards = join(served_card(world) for world in served)
    page = document("worlds.html").replace(MARK, cards.encode())

    @router.get("/")
    async def index() -> Response:
        return html(page)

    add_parts(router)


def describe(world: ServedWorld) -> dict[str, Any]:
    """What a program needs to choose."""
    return {
        "name": world.name,
        "title": world.world.config.name,
        "path": f"{world.path}/",
        "about": about_line(world.world.card),
        "buttons": [{"label": b.label, "arrow": b.arrow} for b in world.world.buttons],
        "players": world.state.games.sessions.count()[1],
        "max_players": world.options.max_players,
    }


def served_card(served: ServedWorld) -> Html:
    """A world of this server as one link."""
    path = served.prefix[1:] + "/"
    picture = f"{path}api/v1/prompts/0" if served.prompts else None
    also = "" if served.name == slug(served.world.config.name) else served.name  # one of several
    return card(served.world, path, picture, also)


def card(world: World, address: str, picture: str | None, also: str = "") -> Html:
    """A world as one link, with its picture.

    Args:
        world: the world.
        address: of its page.
        picture: the address of one of its pictures, if there is one.
        also: what tells it from another world of its name.
    """
    facts = f"{world.width} × {world.height}, {world.fps:g} frames/s"
    facts = f"{also}, {facts}" if also else facts
    shown = tag("span", class_="none")
    if picture is not None:
        shown = tag("img", src=picture, alt="", width=world.width, height=world.height)
    title = tag("h2", tag("a", world.config.name, href=address))
    about = about_line(world.card)
    return tag(
        "li",
        tag("div", shown, class_="picture"),
        tag(
            "div",
            title,
            *([tag("p", about, class_="about")] if about else []),
            chips(world.buttons),
            tag("p", facts, class_="aside"),
            class_="words",
        ),
    )


def chips(buttons: Sequence[Button]) -> Html:
    """What the buttons do, each kind once: of "jump" and "jump 2" the first."""
    kinds: dict[str, Html] = {}
    for button in buttons:
        label = re.sub(r" \d+$", "", button.label)
        arrow = [tag("span", button.arrow, class_="arrow", aria_hidden="true")]
        kinds.setdefault(label, tag("li", *(arrow if button.arrow else []), label))
    shown = list(kinds.values())
    if len(shown) > MOST_CHIPS:
        shown = [*shown[: MOST_CHIPS - 1], tag("li", f"{len(kinds) - MOST_CHIPS + 1} more")]
    return tag("ul", *shown, class_="chips", aria_label="Buttons")


def about_line(card: str) -> str:
    """The first sentence of a world's card: no heading, table, picture, code, or maker's line."""
    text = re.sub(r"\A---\n.*?\n---\n", "", card.replace("\r", ""), flags=re.DOTALL)
    for block in re.split(r"\n\s*\n", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.M)):
        line = " ".join(block.split())
        if not line or re.match(r"[#|!<>]|[-*+] |Made with ", line):
            continue
        plain = re.sub(r" \(`[^`]*`\)", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line))
        plain = plain.replace("`", "").replace("*", "")
        sentence = re.split(r"(?<=[a-z0-9)][.!?]) (?=[A-Z])", plain)[0]
        if len(sentence) <= LONGEST_LINE:
            return sentence
        return sentence[:LONGEST_LINE].rsplit(" ", 1)[0].rstrip(" ,;:") + " …"
    return ""

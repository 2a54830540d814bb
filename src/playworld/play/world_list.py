"""Several worlds behind one address: a list for programs, a page for people to choose from."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import JSONResponse

from playworld.markup import Html, join, tag
from playworld.play.making.buttons import PLACE
from playworld.play.making.catalogue import Catalogue, Listed
from playworld.play.pages import add_parts, add_slash, document, html, page_files
from playworld.play.served import ServedWorld, slug
from playworld.world import Button, WorldConfig

LONGEST_LINE = 200
"""Characters of a card that the page of all worlds shows."""
MOST_CHIPS = 8
"""Buttons of a world that the page of all worlds names."""
MARK, MAKE = b"<!-- worlds -->", b"<!-- make -->"
"""Where they stand in the page, and the way to make some."""
MEASURED = "## Measured"
"""Heading of a card's section with the table of an evaluation."""
FRAME = "4"
"""Generated frame whose figures a card shows."""


def add_list(
    router: APIRouter,
    served: Sequence[ServedWorld],
    catalogue: Catalogue | None = None,
    root_path: str = "",
) -> None:
    """Which worlds there are, for programs; those of the catalogue are loaded once they are opened.

    Args:
        router: the server's.
        served: worlds that are loaded.
        catalogue: further ones.
        root_path: what a proxy puts before all addresses.
    """

    @router.get("/api/v1/worlds")
    def worlds() -> JSONResponse:
        listed = [] if catalogue is None else catalogue.all()
        found = [describe(world) for world in served]
        return JSONResponse({"worlds": found + [_listed(world, root_path) for world in listed]})

    @router.get("/api/v1/worlds/{name}/picture")
    def picture(name: str) -> Response:
        world = None if catalogue is None else catalogue.find(name)
        if world is None or world.picture is None:
            raise HTTPException(404, "There is no such picture.")
        return Response(world.picture.read_bytes(), media_type="image/png")


def add_lobby(
    router: APIRouter,
    served: Sequence[ServedWorld],
    catalogue: Catalogue | None = None,
    back: str = "",
) -> None:
    """The page on which a world is chosen.

    Args:
        router: of the path at which it lies.
        served: worlds that are loaded.
        catalogue: further ones, and so a link to the page that makes some.
        back: the way from the page to the root of the server.
    """
    page = document("worlds.html")
    if catalogue is not None:
        make = tag("a", "Make a world", href=f"{back}make/", class_="button strong", id="make")
        page = page.replace(MAKE, make.encode())

    @router.get("/")
    def index() -> Response:
        listed = [] if catalogue is None else catalogue.all()
        cards = [served_card(world, back) for world in served]
        cards += [listed_card(world, back) for world in listed]
        return html(page.replace(MARK, join(cards).encode()))

    add_parts(router, page_files())


def all_worlds(served: Sequence[ServedWorld], catalogue: Catalogue) -> APIRouter:
    """That page beside a world that lies at the root itself."""
    router = APIRouter(prefix="/worlds")
    add_slash(router, "worlds")
    add_lobby(router, served, catalogue, "../")
    return router


def describe(world: ServedWorld) -> dict[str, Any]:
    """What a program needs to choose."""
    return {
        "name": world.name,
        "title": world.world.config.name,
        "path": f"{world.path}/",
        "about": about_line(world.world.card),
        "buttons": _buttons(world.world.config),
        "players": world.state.games.sessions.count()[1],
        "max_players": world.options.max_players,
    }


def _listed(world: Listed, root_path: str) -> dict[str, Any]:
    return {
        "name": world.name,
        "title": world.title or world.config.name,
        "path": f"{root_path}/w/{world.name}/",
        "about": about_line(world.card),
        "buttons": _buttons(world.config),
        "kind": world.kind,
    }


def _buttons(config: WorldConfig) -> list[dict[str, str]]:
    return [{"label": button.label, "arrow": button.arrow} for button in config.buttons]


def served_card(served: ServedWorld, back: str = "") -> Html:
    """A world of this server as one link."""
    path = back + (served.prefix[1:] + "/" if served.prefix else "")
    picture = f"{path}api/v1/prompts/0" if served.prompts else None
    config = served.world.config
    also = "" if served.name == slug(config.name) else served.name  # one of several
    return card(config, served.world.card, path or "./", picture, also)


def listed_card(world: Listed, back: str) -> Html:
    """A world that is not loaded yet as one link."""
    picture = f"{back}api/v1/worlds/{world.name}/picture" if world.picture else None
    config = world.config if world.title is None else replace(world.config, name=world.title)
    also = {"built-in": "", "folder": world.name, "made here": "made here"}[world.kind]
    buttons = f"{back}{PLACE[1:]}/{world.name}/" if world.is_finished else ""
    return card(config, world.card, f"{back}w/{world.name}/", picture, also, buttons)


def card(
    config: WorldConfig,
    text: str,
    address: str,
    picture: str | None,
    also: str = "",
    buttons: str = "",
) -> Html:
    """A world as one link, with its picture.

    Args:
        config: the world's.
        text: its card, Markdown.
        address: of its page.
        picture: the address of one of its pictures, if there is one.
        also: what tells it from another world of its name.
        buttons: address of the page that names its buttons, if there is one.
    """
    width, height = config.tokenizer.width, config.tokenizer.height
    facts = f"{width} × {height}, {config.fps:g} frames/s"
    facts = f"{also}, {facts}" if also else facts
    shown = tag("span", class_="none")
    if picture is not None:
        shown = tag("img", src=picture, alt="", width=width, height=height)
    title = tag("h2", tag("a", config.name, href=address))
    about, measured = about_line(text), figures_line(text)
    return tag(
        "li",
        tag("div", shown, class_="picture"),
        tag(
            "div",
            title,
            *([tag("p", about, class_="about")] if about else []),
            chips(config.buttons),
            *([tag("a", "Name its buttons", href=buttons, class_="also")] if buttons else []),
            tag("p", *([measured, tag("br")] if measured else []), facts, class_="aside"),
            class_="words",
        ),
    )


def figures_line(card: str) -> str:
    """What a card's table of an evaluation says of rollouts, beside a copy of the last frame."""
    table = card.partition(MEASURED)[2]
    found = [
        re.search(rf"^{name} +(.+)$", table, flags=re.M)
        for name in ("generated frame", "rollout PSNR, dB", "copy last frame, dB")
    ]
    if not all(found):
        return ""
    frames, own, copy = (row[1].split() for row in found if row is not None)
    if FRAME not in frames:
        return ""
    at = frames.index(FRAME)
    if at >= min(len(own), len(copy)):
        return ""
    return f"frame {FRAME}: {own[at]} dB, a copy {copy[at]}"


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

"""HTML from Python calls; text is escaped unless it is markup already."""

import html
from collections.abc import Iterable, Sequence

VOID = ("br", "img", "meta", "source")
"""Elements that have no end."""


class Html(str):
    """Text that is markup."""


def tag(name: str, /, *children: str, **attributes: str | int | float) -> Html:
    """An element. Attributes are escaped; `class_` and `aria_label` stand for class, aria-label."""
    inside = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
    )
    if name in VOID:
        return Html(f"<{name}{inside}>")
    return Html(f"<{name}{inside}>{join(children)}</{name}>")


def join(children: Iterable[str]) -> Html:
    """Children one after the other, plain text among them escaped."""
    return Html("".join(c if isinstance(c, Html) else html.escape(c) for c in children))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], class_: str = "") -> Html:
    """A table whose first column names the rows; wider than the screen, it scrolls by itself."""
    top = tag("tr", *(tag("th", cell, scope="col") for cell in head))
    body = [
        tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:]))
        for row in rows
    ]
    whole = tag("table", tag("thead", top), tag("tbody", *body), class_=class_)
    return tag("div", whole, class_="scroll", tabindex=0)


def section(title: str, *children: str, about: str = "") -> Html:
    """A part of the page under its heading, with a sentence about it."""
    intro = [tag("p", about, class_="about")] if about else []
    return tag("section", tag("h2", title), *intro, *children)

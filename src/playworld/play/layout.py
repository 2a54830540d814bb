"""Where a world's buttons lie, and which one an arrow presses: one rule for page and terminal."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from playworld.world import Button

RING = "↑↗→↘↓↙←↖"
"""The places of the cross, clockwise: those beside each other are 45 degrees apart."""
ARROWS = "←→↑↓"
"""What a keyboard, a stick and the cross of a gamepad can hold, one or two at once."""
SIDES = {"←": "to the left", "→": "to the right", "↑": "up", "↓": "down"}
"""Where an arrow leads, in words."""
KEYS = "1234567890tyuigh"
"""What is typed for button 1, 2, and so on; further ones have no key."""


@dataclass(frozen=True)
class ButtonLayout:
    """What a player finds under the thumbs; every button has its place once."""

    cross: dict[str, int]
    """From an arrow to the button that lies there: of several with one arrow, the strongest."""
    ways: dict[str, int]
    """From the arrows that are held, the newest last ("→", "→↑"), to the button that they press.
    Where nothing leads there or 45 degrees beside it, the entry is missing."""
    large: str | int | None
    """What the large button holds: "↑" where that jumps, else a button without an arrow."""
    actions: tuple[int, ...]
    """Buttons without an arrow, to lie beside the cross; all buttons where there is no cross."""
    more: tuple[int, ...]
    """What stays put, and what does the same as a button of the cross, only less."""
    keys: str
    """What is typed for each button, as far as there are keys."""
    nowhere: dict[str, str]
    """What to say of an arrow that presses nothing."""


def layout(buttons: Sequence[Button]) -> ButtonLayout:
    """The places of a world's buttons.

    An arrow takes the button with that arrow, else the nearest on either side. Two arrows at once
    take the diagonal, where the world has none the newer of the two.
    """
    cross: dict[str, int] = {}
    for number in sorted(range(len(buttons)), key=lambda n: (_rank(buttons[n].label), n)):
        if buttons[number].arrow in tuple(RING):
            cross.setdefault(buttons[number].arrow, number)
    keys = KEYS[: len(buttons)]
    if not cross:
        said = f"The buttons of this world have no directions: press {keys[0]} to {keys[-1]}."
        nowhere = dict.fromkeys(ARROWS, said)
        return ButtonLayout({}, {}, None, tuple(range(len(buttons))), (), keys, nowhere)
    held = [*ARROWS, *(a + b for a, b in permutations(ARROWS, 2) if _between(a, b))]
    found = {arrows: _nearest(cross, arrows) for arrows in held}
    ways = {arrows: button for arrows, button in found.items() if button is not None}
    actions = tuple(n for n, button in enumerate(buttons) if button.arrow == "")
    up = ways.get("↑")
    large: str | int | None = None
    if up is not None and not buttons[up].label.lower().startswith("up"):
        large = "↑"
    elif actions:
        large, actions = actions[0], actions[1:]
    placed = {*cross.values(), *actions, large}
    more = tuple(n for n in range(len(buttons)) if n not in placed)
    nowhere = {a: f"No button of this world leads {SIDES[a]}." for a in ARROWS if a not in ways}
    return ButtonLayout(cross, ways, large, actions, more, keys, nowhere)


def held_together(before: str, arrow: str) -> str:
    """The arrows that are held once one more is, at most one of each axis, the newest last."""
    return "".join(other for other in before if _between(other, arrow)) + arrow


def _rank(label: str) -> int:
    """Buttons of one direction are numbered, the strongest first and without a number."""
    number = re.search(r" (\d{1,4})$", label)
    return int(number[1]) if number else 1


def _between(one: str, other: str) -> str:
    """The diagonal between two arrows; "" where they are opposite."""
    a, b = RING.index(one), RING.index(other)
    return {2: RING[(a + 1) % 8], 6: RING[a - 1]}.get((b - a) % 8, "")


def _nearest(cross: dict[str, int], held: str) -> int | None:
    wanted = _between(*held) if len(held) == 2 else held
    newest_first = held[::-1]
    beside = [RING[(RING.index(arrow) + turn) % 8] for arrow in newest_first for turn in (1, -1)]
    found = [cross[arrow] for arrow in (wanted, *newest_first, *beside) if arrow in cross]
    return found[0] if found else None

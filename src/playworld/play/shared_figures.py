"""The metrics of all replicas as one page: a request for it reaches any of them."""

import asyncio
import contextlib
import re
from collections.abc import Callable, Mapping

from playworld.play.store.game_store import GameStore, StoreFailed
from playworld.play.store.table import Table

EVERY_SECONDS = 5.0
"""How often a replica leaves its metrics in the store."""
KEPT_SECONDS = 20.0
"""How long they count there: a replica that has ended is forgotten."""


class SharedFigures:
    """What one replica knows, and through the store what the others know."""

    def __init__(self, own: Callable[[], str], replica: str, store: GameStore) -> None:
        self._own, self._replica, self._store = own, replica, store

    async def publish(self) -> None:
        """Leave the own ones in the store again and again, for ever."""
        while True:
            with contextlib.suppress(StoreFailed):  # it counts that itself
                await self._exchange(self._own())
            await asyncio.sleep(EVERY_SECONDS)

    async def read(self) -> str:
        """Those of all; only the own ones where the store does not answer."""
        own = self._own()
        try:
            return merged(await self._exchange(own))
        except StoreFailed:
            return merged({self._replica: own})

    async def _exchange(self, own: str) -> dict[str, str]:
        return await self._store.ask(Table.note_figures, self._replica, own, KEPT_SECONDS)


def merged(texts: Mapping[str, str]) -> str:
    """Several expositions as one, with a label that says of which replica a value is."""
    families: dict[str, list[str]] = {}
    for replica, text in texts.items():
        family: list[str] = []
        for line in text.splitlines():
            if line.startswith("# HELP "):
                family = families.setdefault(line.split()[2], [])
            if line.startswith("#"):
                if line not in family[:2]:
                    family.append(line)
            else:
                family.append(_labelled(line, replica))
    return "\n".join(line for family in families.values() for line in family) + "\n"


def _labelled(line: str, replica: str) -> str:
    label = f'replica="{replica}"'
    name, labels, value = re.fullmatch(r"([\w:]+)(?:{(.*)})? (\S+)", line).groups()  # type: ignore[union-attr]
    return f"{name}{{{label}{',' + labels if labels else ''}}} {value}"

"""What a server offers where worlds are made: their page and API, and the worlds themselves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter

from playworld.play.making.api import add_making
from playworld.play.making.buttons import ButtonPages, NamingPage
from playworld.play.making.catalogue import Catalogue
from playworld.play.making.jobs import Jobs
from playworld.play.making.on_demand import OnDemand
from playworld.play.making.options import MakingOptions
from playworld.play.making.workshop import Workshop
from playworld.play.options import PlayOptions
from playworld.play.served import ServedWorld
from playworld.play.store.game_store import GameStore
from playworld.world import World


@dataclass(frozen=True)
class Making:
    """Worlds may be made on a server: how, and how they are loaded to be played."""

    options: MakingOptions
    load: Callable[[str], World]
    """Opens a world, or the newest checkpoint of a run, by its folder or its built-in name."""
    naming_page: NamingPage
    """Names the buttons of a world."""

    def at_work(self) -> str | None:
        """Name of the world that is being made now, which a server that ends does not stop."""
        job = Jobs(self.options.folder()).current()
        return None if job is None else job.name

    def open(
        self,
        served: Sequence[ServedWorld],
        options: PlayOptions,
        links: Sequence[str],
        store: GameStore | None,
    ) -> "Offer":
        """What a server with these worlds and options offers besides."""
        workshop = Workshop(self.options.folder(), self.options)
        catalogue = Catalogue(workshop, [world.name for world in served])
        places = {page: f"{options.root_path}/{page}/" for page in ("worlds", "make")}
        route = OnDemand(catalogue, self.load, options, links, places, store)
        return Offer(workshop, catalogue, route, ButtonPages(workshop, self.naming_page), places)


@dataclass(frozen=True)
class Offer:
    """The parts of one server that belong to the worlds made here."""

    workshop: Workshop
    catalogue: Catalogue
    route: OnDemand
    buttons: ButtonPages
    places: dict[str, str]
    """Addresses of the pages on which a world is chosen, and made."""

    @property
    def served(self) -> list[ServedWorld]:
        """The worlds that are loaded now."""
        return self.route.served

    def add(self, router: APIRouter, max_body: int) -> None:
        """The page that makes worlds, its API, and the pages on which their buttons are named."""
        router.routes.append(self.buttons.route())
        add_making(router, self.workshop, self.catalogue.taken, self.route.forget, max_body)

"""`playworld serve`: worlds for others, without a browser and with logs for machines."""

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from rich.console import Console
from tyro.conf import FlagCreatePairsOff, Positional

from playworld.cli.progress import ProgressBars
from playworld.cli.server import ServerCommand
from playworld.config import InputError
from playworld.play.options import PlayOptions

if TYPE_CHECKING:
    from playworld.play.replicas import ReplicaOptions
    from playworld.world import World

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Serve(ServerCommand):
    """Serve worlds to others: logs as lines, limits, access, replicas."""

    example: ClassVar[str] = "playworld serve platformer any --host 0.0.0.0"
    groups: ClassVar[dict[str, str]] = {
        **ServerCommand.groups,
        "replicas": "replicas max-replicas replica-players replica-cpus replica-gpus ray-address",
        "logs": "log-format access-log",
    }

    worlds: Positional[tuple[str, ...]] = ("platformer",)
    """Folders of worlds or of runs in training, names of built-in worlds, or owner/name on the
    Hugging Face Hub. Several are behind a page to choose from."""
    replicas: int | None = None
    """Serve by so many processes on a Ray cluster, any of which can go on with a game of another;
    the limits of a game hold for each of them."""
    max_replicas: int | None = None
    """Start further replicas while there are players for them, up to so many."""
    replica_players: float = 24.0
    """Players of a replica, on average, from which on another one is started."""
    replica_cpus: float = 1.0
    """Processor cores of a replica."""
    replica_gpus: float = 0.0
    """GPUs of a replica; 0.5 where two share one."""
    ray_address: str | None = None
    """The Ray cluster that is to run the replicas, such as auto; one on this machine is started
    where none is given."""
    log_format: Literal["text", "json"] = "text"
    """How lines on standard error are written; json has one object a line."""
    access_log: FlagCreatePairsOff[bool] = False
    """Write a line for each request and each connection of a player, too."""

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.play import serve
        from playworld.play.logs import log_lines

        log_lines(self.log_format, self.access_log)
        options = self.served()
        if self.replicas is None and self.max_replicas is None:
            serve(self.load_all(), options, ready, ports=1, making=self.workshop())
        else:
            self._run_replicas(options)
        log.info("ended")
        return 0

    def load_all(self) -> "list[World]":
        """Every world, one after the other."""
        worlds = []
        for name in self.worlds:
            log.info("loading a world", extra={"fields": {"world": name}})
            worlds.append(self.load(name))
        return worlds

    def replica_options(self) -> "ReplicaOptions":
        """How many replicas there are, and what each may use.

        Raises:
            InputError: there cannot be so many.
        """
        from playworld.play.replicas import ReplicaOptions

        fewest = 1 if self.replicas is None else self.replicas
        most = fewest if self.max_replicas is None else self.max_replicas
        try:
            return ReplicaOptions(
                fewest, most, self.replica_cpus, self.replica_gpus, self.replica_players
            )
        except ValueError as error:
            raise InputError(str(error)) from None

    def loader(self, log_to: Path | None = None) -> "Callable[[], list[World]]":
        """Loads every world in a replica, whose log is as this command's, and goes to a pipe."""
        return functools.partial(load_in_replica, replace(self, options=PlayOptions()), log_to)

    def _run_replicas(self, options: PlayOptions) -> None:
        from playworld.play.log_pipe import log_pipe

        try:
            from playworld.play.cluster import serve_replicas
        except ImportError:
            raise InputError(
                "replicas need Ray Serve: pip install 'playworld[scale]', with -c constraints.txt "
                "in a checkout"
            ) from None
        with log_pipe() as log_to:
            worlds = self.loader(log_to)
            serve_replicas(worlds, options, self.replica_options(), self.ray_address, ready)


def ready(address: str) -> None:
    """Tell the log that the server answers."""
    log.info("ready", extra={"fields": {"address": address}})


def load_in_replica(command: Serve, log_to: Path | None) -> "list[World]":
    """Its worlds, in a process of their own."""
    from playworld.machine import prepare_torch
    from playworld.play.log_pipe import into_pipe
    from playworld.play.logs import log_lines

    prepare_torch()
    log_lines(command.log_format, command.access_log, into_pipe(log_to))
    logging.getLogger("playworld").setLevel(logging.INFO)
    return command.load_all()

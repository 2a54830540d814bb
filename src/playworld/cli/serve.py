"""`playworld serve`: worlds for others, without a browser and with logs for machines."""

import logging
from dataclasses import dataclass
from typing import ClassVar, Literal

from rich.console import Console
from tyro.conf import FlagCreatePairsOff, Positional

from playworld.cli.progress import ProgressBars
from playworld.cli.server import ServerCommand

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Serve(ServerCommand):
    """Serve worlds to others: logs as lines, limits, access."""

    example: ClassVar[str] = "playworld serve coinrun any --host 0.0.0.0"
    groups: ClassVar[dict[str, str]] = {
        **ServerCommand.groups,
        "logs": "log-format access-log",
    }

    worlds: Positional[tuple[str, ...]] = ("coinrun",)
    """Folders of worlds or of runs in training, names of built-in worlds, or owner/name on the
    Hugging Face Hub. Several are behind a page to choose from."""
    log_format: Literal["text", "json"] = "text"
    """How lines on standard error are written; json has one object a line."""
    access_log: FlagCreatePairsOff[bool] = False
    """Write a line for each request and each connection of a player, too."""

    def run(self, console: Console, progress: ProgressBars) -> int:
        from playworld.play import serve
        from playworld.play.logs import log_lines

        log_lines(self.log_format, self.access_log)
        worlds, options = [], self.served()
        for name in self.worlds:
            log.info("loading a world", extra={"fields": {"world": name}})
            worlds.append(self.load(name))

        def ready(address: str) -> None:
            log.info("ready", extra={"fields": {"address": address}})

        serve(worlds, options, ready, ports=1)
        log.info("ended")
        return 0

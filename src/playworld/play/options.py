"""Options of `playworld play` and `serve`. Imports nothing heavy: the command line reads it."""

import ipaddress
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from playworld.config import InputError
from playworld.play.host_names import allowed_name, is_loopback

IDLE_SECONDS = 600.0
"""Idle limit of a server that others reach, where none is given."""
MAX_CONNECTIONS, MAX_PER_ADDRESS = 1000, 256
LIMITS = (
    "max_players",
    "max_upload_mb",
    "max_upload_megapixels",
    "max_connections",
    "max_connections_per_address",
    "max_nodes",
    "keep_days",
    "max_store_mb",
    "snapshot_frames",
)


@dataclass(frozen=True)
class PlayOptions:
    """How worlds are put on a page."""

    host: str = "127.0.0.1"
    """Address to listen at; 0.0.0.0 for everybody on the network."""
    port: int = 8000
    """Port to listen at."""
    allow_hosts: tuple[str, ...] = ()
    """Further names under which the page may be reached, such as a proxy's: play.example.com."""
    token: str | None = field(default=None, repr=False)
    """A secret that page and API ask for. Other users of this machine see it in the list of
    processes: better give token-file, or the environment variable PLAYWORLD_TOKEN."""
    token_file: Path | None = None
    """File that holds the token."""
    root_path: str = ""
    """Path under which a proxy publishes the server, such as /worlds."""
    forwarded_allow_ips: str = ""
    """Proxies whose X-Forwarded-For, -Proto and -Host are believed: addresses or networks, with
    commas between them; * for any."""
    max_players: int = 32
    """Players of a world at a time; one more is asked to come back later."""
    idle_minutes: float | None = None
    """Minutes without a press after which a game is put away: 10 if not given, but no limit on a
    server that only this machine reaches."""
    max_upload_mb: float = 10.0
    """Largest picture file that is taken, in millions of bytes."""
    max_upload_megapixels: float = 25.0
    """Largest picture that is decoded, in millions of pixels."""
    store: str | None = None
    """Where games are kept outside of this process, so that they outlive it and several servers can
    share them: a file, or redis://HOST:PORT/0 for a Redis-compatible server."""
    keep_days: float = 7.0
    """Days without a press after which a game is deleted from the store."""
    max_store_mb: float = 4000.0
    """Size, in millions of bytes, from which on the oldest games are deleted from a file."""
    snapshot_frames: int = 32
    """Frames of a game after which the model's state is written to the store, too: whoever goes on
    with the game computes at most so many again."""
    max_connections: int = MAX_CONNECTIONS
    """Connections at a time, of all worlds; fewer where the limit of open files is low."""
    max_connections_per_address: int = MAX_PER_ADDRESS
    """Connections at a time from one address; behind a proxy that is not in forwarded-allow-ips all
    players share one."""
    max_nodes: int = 6000
    """Frames that one game may hold, its branches included (6,000 take about 50 MB)."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port must be in 0..65535, got {self.port}")
        for name in self.allow_hosts:
            allowed_name(name)
        if self.token is not None and self.token_file is not None:
            raise ValueError("give either token or token_file, not both")
        if self.token is not None:
            check_token(self.token)
        if not re.fullmatch(r"(/[\w.~-]+)*", self.root_path, re.ASCII):
            raise ValueError(f"root_path must look like /worlds, got {self.root_path!r:.120}")
        for text in filter(None, self.forwarded_allow_ips.replace("*", "").split(",")):
            check_network(text)
        for name in LIMITS:
            if not 0 < getattr(self, name) < 1e6:
                raise ValueError(f"{name} must be above 0 and below 1e6, got {getattr(self, name)}")
        if self.idle_minutes is not None and not 0 < self.idle_minutes < 1e6:
            raise ValueError(f"idle_minutes must be above 0, below 1e6, got {self.idle_minutes}")

    @property
    def idle_seconds(self) -> float | None:
        """How long a player may press nothing; None for as long as they like."""
        if self.idle_minutes is not None:
            return 60 * self.idle_minutes
        return None if self.is_local else IDLE_SECONDS

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine reaches the server."""
        return not self.allow_hosts and not self.forwarded_allow_ips and is_loopback(self.host)

    @property
    def keep_seconds(self) -> float:
        """How long a game stays in the store without a press."""
        return 86400 * self.keep_days

    def secret(self) -> str | None:
        """The token, read from its file where that was given; None where none is asked for.

        Raises:
            InputError: the file cannot be read, or holds no token.
        """
        if self.token_file is None:
            return self.token
        try:
            token = self.token_file.read_text().strip()
        except OSError as error:
            reason = error.strerror or error
            raise InputError(f"cannot read the token in {self.token_file}: {reason}") from None
        except UnicodeDecodeError:
            raise InputError(f"{self.token_file} is no text, and so no token") from None
        check_token(token)
        return token


def with_token_of_environment(options: PlayOptions) -> PlayOptions:
    """The options, with PLAYWORLD_TOKEN where they give no token.

    It is taken out of the environment, so that no child process inherits it.
    """
    token = os.environ.pop("PLAYWORLD_TOKEN", None)
    if not token or options.token or options.token_file:
        return options
    return replace(options, token=token)


def check_token(token: str) -> None:
    """Raise InputError, without repeating it, where it cannot stand in a header or is short."""
    if not re.fullmatch(r"[!-~]{8,512}", token):
        raise InputError(
            "token must be 8 to 512 letters, digits and signs without spaces; "
            "`openssl rand -hex 16` makes one"
        )


def check_network(text: str) -> None:
    """Raise ValueError where it is neither an address nor a network."""
    try:
        ipaddress.ip_network(text.strip())
    except ValueError:
        raise ValueError(
            f"forwarded_allow_ips needs addresses or networks such as 10.0.0.0/8, got {text!r:.120}"
        ) from None

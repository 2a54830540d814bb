"""Options of `playworld play`. Imports nothing heavy: the command line reads it."""

from dataclasses import dataclass

from playworld.play.hosts import allowed_name, is_loopback

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
)


@dataclass(frozen=True)
class PlayOptions:
    """How a world is put on a page."""

    host: str = "127.0.0.1"
    """Address to listen at; 0.0.0.0 for everybody on the network."""
    port: int = 8000
    """Port to listen at; the next free one where it is taken."""
    browser: bool = True
    """Open the page in a browser."""
    allow_hosts: tuple[str, ...] = ()
    """Further names under which the page may be reached, such as a proxy's: play.example.com."""
    max_players: int = 32
    """Players at a time; one more is asked to come back later."""
    idle_minutes: float | None = None
    """Minutes without a press after which a game is put away: 10 if not given, but no limit on a
    server that only this machine reaches."""
    max_upload_mb: float = 10.0
    """Largest picture file that is taken, in millions of bytes."""
    max_upload_megapixels: float = 25.0
    """Largest picture that is decoded, in millions of pixels."""
    max_connections: int = MAX_CONNECTIONS
    """Connections at a time; fewer where the limit of open files is low."""
    max_connections_per_address: int = MAX_PER_ADDRESS
    """Connections at a time from one address; behind a proxy all players share one."""

    max_nodes: int = 6000
    """Frames that one game may hold, its branches included (6,000 take about 50 MB)."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port must be in 0..65535, got {self.port}")
        for name in self.allow_hosts:
            allowed_name(name)
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
        return None if is_loopback(self.host) and not self.allow_hosts else IDLE_SECONDS

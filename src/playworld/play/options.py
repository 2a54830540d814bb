"""What `playworld play` can be told. Imports nothing heavy: the command line reads it."""

from dataclasses import dataclass

LIMITS = ("max_players", "idle_minutes", "max_upload_mb", "max_upload_megapixels", "max_nodes")


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
    """Further names under which the page may be reached, such as a proxy's."""
    max_players: int = 32
    """Players at a time; one more is told to come back later."""
    idle_minutes: float = 10.0
    """Minutes without a press after which a game is put away."""
    max_upload_mb: float = 10.0
    """Largest picture file that is taken, in millions of bytes."""
    max_upload_megapixels: float = 25.0
    """Largest picture that is decoded, in millions of pixels."""

    max_nodes: int = 6000
    """Frames that one game may hold, its branches included (6,000 take about 50 MB)."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port must be in 0..65535, got {self.port}")
        for name in LIMITS:
            if not 0 < getattr(self, name) < 1e6:
                raise ValueError(f"{name} must be above 0 and below 1e6, got {getattr(self, name)}")

"""What the server counts, in the text format that Prometheus reads."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass
class Counts:
    """What has happened since the server began."""

    frames: int = 0
    """Frames that were generated, the tried ones included."""
    replayed: int = 0
    """Frames that were computed again to go on from an older one."""
    full: int = 0
    """Presses that were refused because the game holds as many frames as it may."""
    closed: Counter[int] = field(default_factory=Counter)
    """WebSockets that the server closed, by close code."""
    refused: Counter[int] = field(default_factory=Counter)
    """HTTP requests that were refused, by status."""


def exposition(
    counts: Counts, ticks: Mapping[int, int], sessions: int, connected: int, ready: bool
) -> str:
    """Everything as one page of text.

    Args:
        counts: what has happened.
        ticks: batches that went through the model, by their size.
        sessions: games that are kept.
        connected: games whose player is connected.
        ready: whether the server takes players.
    """
    lines = [
        *_one("sessions", "gauge", "Games that are kept.", sessions),
        *_one("players", "gauge", "Players who are connected.", connected),
        *_one("ready", "gauge", "1 once the model has made its first frame.", int(ready)),
        *_one("frames_total", "counter", "Frames generated.", counts.frames),
        *_one("replayed_frames_total", "counter", "Frames computed again.", counts.replayed),
        *_one("full_total", "counter", "Presses refused in a full game.", counts.full),
        *_head("ticks_total", "counter", "Batches through the model."),
        *_by("ticks_total", "size", ticks),
        *_head("sockets_closed_total", "counter", "WebSockets closed by the server."),
        *_by("sockets_closed_total", "code", counts.closed),
        *_head("requests_refused_total", "counter", "HTTP requests refused."),
        *_by("requests_refused_total", "status", counts.refused),
    ]
    return "\n".join(lines) + "\n"


def _head(name: str, kind: str, help: str) -> Iterable[str]:
    yield f"# HELP playworld_{name} {help}"
    yield f"# TYPE playworld_{name} {kind}"


def _one(name: str, kind: str, help: str, value: int) -> Iterable[str]:
    yield from _head(name, kind, help)
    yield f"playworld_{name} {value}"


def _by(name: str, label: str, values: Mapping[int, int]) -> Iterable[str]:
    for key, value in sorted(values.items()):
        yield f'playworld_{name}{{{label}="{key}"}} {value}'

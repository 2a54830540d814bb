"""What the server counts, in the text format that Prometheus reads."""

import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the buckets of a histogram, in seconds; worlds play at about 0.1 a frame."""

Refused = Counter[tuple[str, int]]
"""Requests that were refused, by reason and status."""
Sample = tuple[str, Mapping[str, object], float]
"""Suffix of the name, labels, value."""


class Histogram:
    """How long something took, as numbers of times by upper bound."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0
        """Seconds in all."""

    def observe(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect.bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds

    def samples(self, **labels: object) -> Iterator[Sample]:
        """Cumulative buckets, sum and count."""
        below = 0
        for bound, count in zip((*BOUNDS, "+Inf"), self.counts, strict=True):
            below += count
            yield "_bucket", {**labels, "le": bound}, below
        yield "_sum", labels, self.total
        yield "_count", labels, below


@dataclass
class Counts:
    """What has happened in the games of one world since the server began."""

    frames: int = 0
    """Frames that were generated, the tried ones included."""
    replayed: int = 0
    """Frames that were computed again to go on from an older one."""
    full: int = 0
    """Presses that were refused because the game holds as many frames as it may."""
    closed: Counter[int] = field(default_factory=Counter)
    """WebSockets that the server closed, by close code."""
    presses: Histogram = field(default_factory=Histogram)
    """From the arrival of a press until its frame was handed to the connection."""
    steps: Histogram = field(default_factory=Histogram)
    """From the request of a frame to its pixels, waiting for a turn of the engine included."""


@dataclass(frozen=True)
class WorldFigures:
    """What is known of one world when the metrics are read."""

    name: str
    counts: Counts
    ticks: Mapping[int, int]
    """Batches that went through the model, by their size."""
    sessions: int
    """Games that are kept."""
    players: int
    """Games whose player is connected."""
    restored: int = 0
    """Games that were taken up from the store."""


@runtime_checkable
class StoreFigures(Protocol):
    """What is known of a store of games (play/store/game_store.py)."""

    errors: Counter[str]
    seconds: Histogram


def exposition(
    worlds: Sequence[WorldFigures],
    ready: bool,
    refused: Refused,
    connections: int | None = None,
    turned_away: Mapping[str, int] | None = None,
    store: StoreFigures | None = None,
) -> str:
    """Everything as one page of text.

    Args:
        worlds: what is known of each world.
        ready: whether the server takes players.
        refused: requests that were refused.
        connections: those that are held; None where nobody counts them.
        turned_away: connections that were refused, by the limit that they met.
        store: what is known of the store of games, where there is one.
    """
    lines = _family("ready", "gauge", "1 once every world has made a frame.", [("", {}, ready)])
    if connections is not None:
        held: list[Sample] = [("", {}, connections)]
        lines += _family("connections", "gauge", "Connections that are held.", held)
    away = _by("limit", turned_away or {})
    lines += _family("connections_refused_total", "counter", "Connections refused.", away)
    by_reason = [("", {"reason": r, "status": s}, n) for (r, s), n in sorted(refused.items())]
    lines += _family("requests_refused_total", "counter", "HTTP requests refused.", by_reason)

    if store is not None:
        failed = _by("operation", store.errors)
        lines += _family("store_errors_total", "counter", "Failures of the store.", failed)
        took = store.seconds.samples()
        lines += _family("store_seconds", "histogram", "How long the store took.", took)

    def each(name: str, kind: str, help: str, values: Sequence[Iterable[Sample]]) -> None:
        lines.extend(_family(name, kind, help, [s for samples in values for s in samples]))

    labels = [{"world": world.name} for world in worlds]
    counts = [world.counts for world in worlds]

    def one(name: str, kind: str, help: str, values: Sequence[float]) -> None:
        each(name, kind, help, [[("", own, v)] for own, v in zip(labels, values, strict=True)])

    one("sessions", "gauge", "Games that are kept.", [w.sessions for w in worlds])
    one("players", "gauge", "Players who are connected.", [w.players for w in worlds])
    one("restored_total", "counter", "Games taken from the store.", [w.restored for w in worlds])
    one("frames_total", "counter", "Frames generated.", [c.frames for c in counts])
    one("replayed_frames_total", "counter", "Frames computed again.", [c.replayed for c in counts])
    one("full_total", "counter", "Presses refused in a full game.", [c.full for c in counts])
    ticks = [_by("size", world.ticks, world=world.name) for world in worlds]
    each("ticks_total", "counter", "Batches through the model.", ticks)
    closed = [_by("code", w.counts.closed, world=w.name) for w in worlds]
    each("sockets_closed_total", "counter", "WebSockets closed by the server.", closed)
    presses = [w.counts.presses.samples(world=w.name) for w in worlds]
    each("press_seconds", "histogram", "From a press to its frame sent.", presses)
    steps = [w.counts.steps.samples(world=w.name) for w in worlds]
    each("step_seconds", "histogram", "From asking the engine to a frame.", steps)
    return "\n".join(lines) + "\n"


def _family(name: str, kind: str, help: str, samples: Iterable[Sample]) -> list[str]:
    lines = [f"# HELP playworld_{name} {help}", f"# TYPE playworld_{name} {kind}"]
    for suffix, labels, value in samples:
        inside = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
        lines.append(f"playworld_{name}{suffix}{f'{{{inside}}}' if inside else ''} {value:.10g}")
    return lines


def _by(label: str, values: Mapping[int, int] | Mapping[str, int], **more: object) -> list[Sample]:
    return [("", {**more, label: key}, count) for key, count in sorted(values.items())]


def _escaped(label: object) -> str:
    return str(label).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

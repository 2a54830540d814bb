"""Logs as lines, for people or as JSON: each says when, how grave, what, and for which request."""

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, TextIO

ACCESS = "playworld.access"
"""The logger of every request and every connection of a player."""


@dataclass(frozen=True)
class Asked:
    """The request that is being answered."""

    id: str
    """The same in all lines about it, and in the header X-Request-ID of its answer."""
    peer: str
    """Address of the client."""


asked: ContextVar[Asked | None] = ContextVar("asked", default=None)


class Lines(logging.Formatter):
    """A line for each record: time in UTC, level, event, and what else is known as name=value.

    What belongs to a record comes with it as `extra={"fields": {...}}`.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line; only a traceback has more."""
        parts = [f"{name}={_quoted(value)}" for name, value in _fields(record)]
        message = record.getMessage().replace("\n", " ")
        line = " ".join([_time(record), f"{record.levelname:<7}", message, *parts])
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """An object for each record: time, level, logger, event, and what else is known."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever is in it."""
        said = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **dict(_fields(record)),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)


def log_lines(form: Literal["text", "json"], access: bool, stream: TextIO | None = None) -> None:
    """Write the logs of this process as lines, to standard error if not elsewhere."""
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonLines() if form == "json" else Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(ACCESS).setLevel(logging.INFO if access else logging.WARNING)


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    yield from getattr(record, "fields", {}).items()
    if (request := asked.get()) is not None:
        yield from (("request", request.id), ("peer", request.peer))


def _time(record: logging.LogRecord) -> str:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{seconds}.{int(record.msecs):03d}Z"


def _quoted(value: object) -> str:
    text = str(value)
    plain = text.isprintable() and not set(text) & set(' "=')
    return text if plain and text else json.dumps(text)

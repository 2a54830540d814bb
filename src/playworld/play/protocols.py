"""uvicorn's two protocols, HTTP and WebSocket, made to note what each connection is doing.

They also bound what one connection can cost: small reads, so that a turn of the event loop is short
whatever is sent; bodies in chunks of a few bytes; frames a second, those without content included.
"""

import asyncio
import functools
import time
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from playworld.play.connection_limits import Phase, Visit

READ_BYTES = 8192
"""Bytes that are read and parsed at once: 1,400 empty frames, the dearest of all, take 20 ms."""
CHUNKS_FREE = 64
"""Chunks of a body that may be of any size; the mean of more must reach `CHUNK_BYTES`."""
CHUNK_BYTES = 128
FRAMES_PER_SECOND = 200
"""WebSocket frames of every kind: twice the messages that a player may send."""
FRAGMENTS = 64
"""Frames that one message may come in."""
TOO_FAST = 4429
POLICY, NOT_UTF8 = 1008, 1007


class SmallReads(asyncio.BufferedProtocol):
    """A protocol that gets its data in pieces of at most `READ_BYTES`."""

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the next bytes go."""
        self._buffer = bytearray(READ_BYTES)
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes are there."""
        self.data_received(bytes(self._buffer[:nbytes]))  # type: ignore[attr-defined]


class _Requests(h11.Connection):
    """Refuses a body in many tiny chunks: each costs as much as a large one."""

    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._chunks = self._bytes = 0
        elif isinstance(event, h11.Data):
            self._chunks += 1
            self._bytes += len(event.data)
            if self._chunks > CHUNKS_FREE and self._bytes < CHUNK_BYTES * self._chunks:
                raise h11.RemoteProtocolError("a body in too many small chunks")
        return event


class HttpConnection(SmallReads, H11Protocol):  # type: ignore[misc]
    """One connection while it speaks HTTP."""

    def __init__(self, visit: Visit, **context: Any) -> None:
        super().__init__(**context)
        self._visit = visit
        self.conn = _Requests(h11.SERVER, self.config.h11_max_incomplete_event_size or READ_BYTES)
        self.ws_protocol_class = functools.partial(SocketConnection, visit)  # type: ignore[assignment]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        self._visit.begin(transport)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Take some bytes."""
        super().data_received(data)
        self._note_phase()

    def on_response_complete(self) -> None:
        """The answer is written."""
        super().on_response_complete()
        self._note_phase()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._visit.end()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Say that this is no HTTP, unless an answer is under way already."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # whoever was about to answer need not any more
            self.cycle.message_event.set()
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.transport.close()

    def _note_phase(self) -> None:
        if self.transport.get_protocol() is not self:
            return  # it has become a WebSocket
        sends_body = self.conn.their_state is h11.SEND_BODY
        if self.cycle is None or self.cycle.response_complete:
            self._visit.enter(Phase.REST if sends_body else Phase.REQUEST, self.cycle)
        else:
            self._visit.enter(Phase.BODY if sends_body else Phase.WORK, self.cycle)


class SocketConnection(SmallReads, WebSocketsSansIOProtocol):  # type: ignore[misc]
    """One connection once it has become a WebSocket."""

    def __init__(self, visit: Visit, **context: Any) -> None:
        super().__init__(**context)
        self._visit = visit
        visit.enter(Phase.JOIN)
        self._second, self._frames, self._fragments = 0, 0, 0

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._visit.end()
        super().connection_lost(exc)

    def handle_text(self, event: Frame) -> None:
        """A message, or its first frame."""
        if self._has_room():
            self._fragments = 1
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        """A message, or its first frame."""
        if self._has_room():
            self._fragments = 1
            super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        """A further frame of a message."""
        self._fragments += 1
        if self._fragments > FRAGMENTS:
            self._fail(POLICY, f"a message may come in {FRAGMENTS} frames at most")
        elif self._has_room():
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """Its pong lies ready."""
        if self._has_room():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Perhaps one that was asked for."""
        if self._has_room():
            super().handle_pong(event)

    def send_receive_event_to_app(self) -> None:
        """Hand over a whole message."""
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self._fail(NOT_UTF8, "text that is not UTF-8")
                return
        self._visit.enter(Phase.WORK)
        super().send_receive_event_to_app()

    async def send(self, message: Any) -> None:
        """Pass on what the application says."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # a refusal is an answer, too

    def _has_room(self) -> bool:
        """Count a frame; False where it must not be handled any more."""
        if self.close_sent:
            return False
        second = int(time.monotonic())
        self._frames = self._frames + 1 if second == self._second else 1
        self._second = second
        if self._frames > FRAMES_PER_SECOND:
            self._fail(TOO_FAST, "too many messages")
            return False
        return True

    def _fail(self, code: int, reason: str) -> None:
        if not self.close_sent:
            self.frames = []
            self.conn.fail(code, reason)
            self.handle_parser_exception()

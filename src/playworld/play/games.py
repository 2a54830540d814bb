"""Where games are found: in this process, and in the store that several processes share."""

import asyncio
import re
from collections.abc import Sequence
from weakref import WeakValueDictionary

from jaxtyping import UInt8
from torch import Tensor

from playworld.images import QUICK, to_png
from playworld.play.messages import Close, ConnectionClosed
from playworld.play.sessions import MAX_UPLOADS, Session, Sessions, remote
from playworld.play.store.game_store import GameStore, StoreFailed
from playworld.play.store.packing import (
    from_png,
    pack_node,
    pack_start,
    pack_state,
    pack_world_state,
    unpack_node,
    unpack_start,
    unpack_state,
    with_body,
)
from playworld.play.store.table import Change, Table, Written
from playworld.play.timeline import Timeline
from playworld.world import SamplerConfig

ID = re.compile(r"[\w-]{32}", re.ASCII)
"""The id of a session; of anything else a store need not be asked."""


class Games:
    """The games of one world.

    With a store, each frame is written there before it is sent, so that any process can go on with
    the game; the one that does so becomes its owner. The player's pictures are in the store alone.
    """

    def __init__(
        self,
        sessions: Sessions,
        store: GameStore | None,
        sha256: str,
        sampler: SamplerConfig,
        snapshot_frames: int,
    ) -> None:
        """The games in memory, and perhaps a store.

        Args:
            sessions: those in memory.
            store: where games are kept, too.
            sha256: that of the world.
            sampler: the world's own way of drawing frames.
            snapshot_frames: after so many a state of the model is stored.
        """
        self.sessions = sessions
        self.restored = 0
        """Games that were taken up from the store."""
        self._store = store
        self._sha256, self._sampler = sha256, sampler
        self._snapshot_frames = snapshot_frames
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def create(self, address: str | None) -> Session:
        """A new game for a player at this address.

        Raises:
            Full: there is no place for it.
            StoreFailed: it cannot be kept.
        """
        session = self.sessions.create(address)
        if self._store is not None:
            try:
                session.epoch = await self._store.ask(Table.create, self._key(session.id))
            except StoreFailed:
                self.sessions.drop(session)
                raise
            self.sessions.place(session)  # others may have pushed it out meanwhile
        return session

    async def take(self, id: str, address: str | None) -> Session | None:
        """A game, to be played here from now on; None where there is no such game.

        Raises:
            ConnectionClosed: it was taken up elsewhere meanwhile.
            Full: there is no place for it.
            StoreFailed: nobody knows whose it is.
        """
        if self._store is None:
            return self.sessions.find(id)
        if not ID.fullmatch(id):
            return None
        turn = self._turns.setdefault(id, asyncio.Lock())
        async with turn:
            epoch = await self._store.ask(Table.claim, self._key(id))
            session = self.sessions.find(id)
            if epoch is None:
                return await self._keep_again(session)
            if session is not None and session.epoch == epoch - 1:
                session.epoch = epoch
                return session
            if session is not None:
                self._leave(session)
            return await self._restore(id, epoch, address)

    async def look(self, id: str) -> Session | None:
        """A game as it is now, whoever plays it; frames may have to be filled in."""
        session = self.sessions.find(id)
        if self._store is None:
            return session
        if session is not None:
            epoch = await self._store.ask(Table.epoch, self._key(id))
            if epoch == session.epoch or epoch is None:  # None: this is all that is left of it
                return session
        return await self._read(id) if ID.fullmatch(id) else None

    async def fill(self, session: Session, path: Sequence[int]) -> None:
        """See to it that these frames of a game have their pictures.

        Raises:
            StoreFailed: the store has lost them.
        """
        assert session.timeline is not None
        nodes = session.timeline.nodes
        missing = [number for number in path if not nodes[number].png]
        if not missing or self._store is None:
            return
        bodies = await self._store.ask(Table.bodies, self._key(session.id), missing)
        if len(bodies) < len(missing):
            raise StoreFailed
        for number, body in zip(missing, bodies, strict=True):
            nodes[number] = with_body(nodes[number], body)

    async def save(self, session: Session) -> None:
        """Write what is new in a game; what cannot be written now is with the next frame.

        Raises:
            ConnectionClosed: it has been taken up elsewhere.
        """
        if self._store is None or session.timeline is None:
            return
        state = pack_state(session.timeline.at, session.sampler)
        if session.saved == (session.timeline, state):
            if session.timeline.saved == len(session.timeline.nodes):
                return
        try:
            outcome = await self._write(session, state)
            if outcome is Written.GAP:  # the store has lost the game, or frames of it
                session.saved = None
                session.epoch = await self._store.ask(Table.create, self._key(session.id))
                outcome = await self._write(session, state)
        except StoreFailed:
            session.saved = None
            return
        if outcome is Written.LOST:
            self.sessions.drop(session)
            raise ConnectionClosed(Close.TAKEN_OVER)
        session.saved = session.timeline, state

    async def add_picture(self, session: Session, picture: UInt8[Tensor, "H W 3"]) -> int | None:
        """Keep a picture of the player; returns its number, None where there is no room for it."""
        if self._store is None:
            return session.keep(picture) if len(session.uploads) < MAX_UPLOADS else None
        png = await asyncio.to_thread(to_png, picture, QUICK)
        return await self._store.ask(Table.add_picture, self._key(session.id), png, MAX_UPLOADS)

    async def has_room(self, session: Session) -> bool:
        """Whether the player may bring another picture."""
        if self._store is None:
            return len(session.uploads) < MAX_UPLOADS
        count = await self._store.ask(Table.count_pictures, self._key(session.id))
        return count is not None and count < MAX_UPLOADS

    async def picture(self, session: Session, number: int) -> UInt8[Tensor, "H W 3"] | None:
        """A picture of the player."""
        if self._store is None:
            return session.uploads.get(number)
        png = await self._store.ask(Table.picture, self._key(session.id), number)
        return None if png is None else from_png(png)

    async def remove_picture(self, session: Session, number: int) -> bool:
        """Delete a picture of the player; False where there is none."""
        if self._store is None:
            return session.uploads.pop(number, None) is not None
        return await self._store.ask(Table.remove_picture, self._key(session.id), number)

    async def _write(self, session: Session, state: bytes) -> Written:
        assert self._store is not None and session.timeline is not None
        timeline, start = session.timeline, session.shown
        assert start is not None, "a game without a start has no frames"
        is_known = session.saved is not None and session.saved[0] is timeline
        base = timeline.saved if is_known else 0
        timeline.snapshot = timeline.snapshot if is_known else 0
        new = [pack_node(node) for node in timeline.nodes[base:]]
        about, bodies = [a for a, _ in new], [b for _, b in new]
        head = None if is_known else pack_start(start)
        snapshot = None
        at_state = timeline.state(timeline.at)
        if at_state is not None and timeline.at >= timeline.snapshot + self._snapshot_frames:
            snapshot = timeline.at, await asyncio.to_thread(pack_world_state, at_state)
        change = Change(state, base, about, bodies, head, snapshot)
        key, epoch = self._key(session.id), session.epoch
        outcome = await self._store.ask(Table.write, key, epoch, change)
        if outcome is Written.LOST and session.epoch != epoch:  # to a new connection, but here
            return await self._write(session, state)
        if outcome is Written.OK:
            timeline.saved = base + len(new)
            if snapshot is not None:
                timeline.snapshot = snapshot[0]
        return outcome

    async def _keep_again(self, session: Session | None) -> Session | None:
        """The store has lost a game, which this process may still have."""
        if session is None:
            return None
        assert self._store is not None
        session.saved = None
        session.epoch = await self._store.ask(Table.create, self._key(session.id))
        self.sessions.place(session)
        return session

    async def _restore(self, id: str, epoch: int, address: str | None) -> Session | None:
        assert self._store is not None
        session = await self._read(id)
        if session is None:
            return None
        if session.epoch != epoch:
            raise ConnectionClosed(Close.TAKEN_OVER)
        timeline = session.timeline
        if timeline is not None:
            await self.fill(session, range(len(timeline.nodes)))
            timeline.saved = len(timeline.nodes)
            session.snapshot = await self._store.ask(Table.snapshot, self._key(id))
            if session.snapshot is not None and session.snapshot[0] < len(timeline.nodes):
                timeline.snapshot = session.snapshot[0]
            else:
                session.snapshot = None
            session.saved = timeline, pack_state(timeline.at, session.sampler)
        session.address = remote(address)
        self.sessions.place(session)
        self.restored += 1
        return session

    async def _read(self, id: str) -> Session | None:
        """A copy of a game, without the bodies of its frames."""
        assert self._store is not None
        kept = await self._store.ask(Table.read, self._key(id))
        if kept is None:
            return None
        session = Session(0.0, id=id)
        session.epoch = kept.epoch
        if kept.head:
            start = session.begun = session.shown = unpack_start(kept.head)
            nodes = [unpack_node(about, self._sampler) for about in kept.about]
            at, session.sampler = unpack_state(kept.state, self._sampler)
            if not 0 <= at < len(nodes):
                return None  # the store has lost frames
            session.timeline = Timeline(start.names, start.seed, nodes, at)
        return session

    def _leave(self, session: Session) -> None:
        """Another process has played on with a game: what is here is old."""
        self.sessions.drop(session)
        if session.connection is not None:
            session.connection.set()

    def _key(self, id: str) -> str:
        return f"{self._sha256[:16]}:{id}"  # another world cannot go on with a game

"""A store of games in an SQLite file, which several processes of one machine may share."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from playworld.play.store.table import Change, Kept, Written, first_epoch

VERSION = 1
"""Of the tables; a file with others is refused."""
BUSY_SECONDS = 4.0
"""How long another process may keep the file locked."""
MOVE_SECONDS = 2.0
"""How often changes are moved from the log beside the file into it."""
TABLES = """
CREATE TABLE IF NOT EXISTS games (
    id TEXT PRIMARY KEY, epoch INTEGER, seen REAL, head BLOB DEFAULT x'', state BLOB DEFAULT x'',
    pictures INTEGER DEFAULT 0);
CREATE INDEX IF NOT EXISTS by_seen ON games (seen);
CREATE TABLE IF NOT EXISTS frames (
    game TEXT REFERENCES games ON DELETE CASCADE, number INTEGER, about BLOB, body BLOB,
    PRIMARY KEY (game, number));
CREATE TABLE IF NOT EXISTS snapshots (
    game TEXT PRIMARY KEY REFERENCES games ON DELETE CASCADE, number INTEGER, state BLOB);
CREATE TABLE IF NOT EXISTS pictures (
    game TEXT REFERENCES games ON DELETE CASCADE, number INTEGER, png BLOB,
    PRIMARY KEY (game, number));
CREATE TABLE IF NOT EXISTS figures (replica TEXT PRIMARY KEY, until REAL, text TEXT);
"""


class SqlTable:
    """Games in a file, or in memory where the path is ":memory:".

    Games that were not played for `keep_seconds` are deleted, and the oldest ones when all take
    more than `max_bytes`.
    """

    def __init__(self, path: Path | str, keep_seconds: float, max_bytes: float) -> None:
        """Open the file, or make it.

        Raises:
            sqlite3.Error: it is something else.
            OSError: it cannot be read or written.
        """
        self._keep_seconds, self._max_bytes = keep_seconds, max_bytes
        self._lock = threading.Lock()
        if path != ":memory:":  # whoever reads the ids of games can play them
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._file = sqlite3.connect(
            path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._file.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._file.execute("PRAGMA journal_mode = WAL")
        # A kill of the process loses nothing; a power failure may lose the newest frames.
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.execute("PRAGMA foreign_keys = ON")
        [(version,)] = self._file.execute("PRAGMA user_version")
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError(f"its games are of format {version}, not {VERSION}")
        self._file.executescript(TABLES)
        self._file.execute(f"PRAGMA user_version = {VERSION}")
        # Moving what was written into the file waits for the disk: not while a frame waits for it.
        self._file.execute("PRAGMA wal_autocheckpoint = 0")
        self._over = threading.Event()
        self._mover = threading.Thread(target=self._move, args=(path,), daemon=True)
        if path != ":memory:":
            self._mover.start()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._file.execute("BEGIN IMMEDIATE")
            try:
                yield self._file
            except BaseException:
                self._file.execute("ROLLBACK")
                raise
            self._file.execute("COMMIT")

    def _ask(self, query: str, *values: object) -> list[tuple]:
        with self._lock:
            return self._file.execute(query, values).fetchall()

    def create(self, id: str) -> int:
        """As of every table."""
        self._make_room()
        with self._change() as file:
            file.execute("DELETE FROM games WHERE id = ?", (id,))
            epoch = first_epoch()
            file.execute("INSERT INTO games (id, epoch, seen) VALUES (?, ?, ?)",
                         (id, epoch, time.time()))  # fmt: skip
        return epoch

    def claim(self, id: str) -> int | None:
        """As of every table."""
        raised = "UPDATE games SET epoch = epoch + 1, seen = ? WHERE id = ? RETURNING epoch"
        found = self._ask(raised, time.time(), id)
        return found[0][0] if found else None

    def epoch(self, id: str) -> int | None:
        """As of every table."""
        found = self._ask("SELECT epoch FROM games WHERE id = ?", id)
        return found[0][0] if found else None

    def write(self, id: str, epoch: int, change: Change) -> Written:
        """As of every table."""
        with self._change() as file:
            counted = "SELECT epoch, (SELECT COUNT(*) FROM frames WHERE game = id) FROM games"
            found = file.execute(f"{counted} WHERE id = ?", (id,)).fetchone()
            if found is None:
                return Written.GAP
            if found[0] != epoch:
                return Written.LOST
            if found[1] < change.base:
                return Written.GAP
            for table in ("frames", "snapshots"):
                old = f"DELETE FROM {table} WHERE game = ? AND number >= ?"
                file.execute(old, (id, change.base))
            file.executemany(
                "INSERT INTO frames VALUES (?, ?, ?, ?)",
                (
                    (id, change.base + k, about, body)
                    for k, (about, body) in enumerate(zip(change.about, change.bodies, strict=True))
                ),
            )
            now = time.time()
            file.execute("UPDATE games SET seen = ?, state = ? WHERE id = ?",
                         (now, change.state, id))  # fmt: skip
            if change.head is not None:
                file.execute("UPDATE games SET head = ? WHERE id = ?", (change.head, id))
            if change.snapshot is not None:
                newest = "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)"
                file.execute(newest, (id, *change.snapshot))
        return Written.OK

    def read(self, id: str) -> Kept | None:
        """As of every table."""
        with self._lock:
            self._file.execute("BEGIN")  # so that another process changes nothing in between
            found = self._file.execute(
                "SELECT epoch, head, state FROM games WHERE id = ?", (id,)
            ).fetchone()
            about = self._file.execute(
                "SELECT about FROM frames WHERE game = ? ORDER BY number", (id,)
            ).fetchall()
            self._file.execute("COMMIT")
        if found is None:
            return None
        epoch, head, state = found
        return Kept(epoch, head, state, [row[0] for row in about])

    def bodies(self, id: str, numbers: Sequence[int]) -> list[bytes]:
        """As of every table."""
        query = "SELECT body FROM frames WHERE game = ? AND number = ?"
        with self._lock:
            found = [self._file.execute(query, (id, number)).fetchone() for number in numbers]
        return [row[0] for row in found if row is not None]

    def snapshot(self, id: str) -> tuple[int, bytes] | None:
        """As of every table."""
        found = self._ask("SELECT number, state FROM snapshots WHERE game = ?", id)
        return (found[0][0], found[0][1]) if found else None

    def add_picture(self, id: str, png: bytes, most: int) -> int | None:
        """As of every table."""
        with self._change() as file:
            counted = "SELECT COUNT(*) FROM pictures WHERE game = ?"
            if file.execute(counted, (id,)).fetchone()[0] >= most:
                return None
            counted = "UPDATE games SET pictures = pictures + 1 WHERE id = ? RETURNING pictures - 1"
            found = file.execute(counted, (id,)).fetchone()
            if found is None:
                return None
            file.execute("INSERT INTO pictures VALUES (?, ?, ?)", (id, found[0], png))
        return found[0]

    def picture(self, id: str, number: int) -> bytes | None:
        """As of every table."""
        found = self._ask("SELECT png FROM pictures WHERE game = ? AND number = ?", id, number)
        return found[0][0] if found else None

    def remove_picture(self, id: str, number: int) -> bool:
        """As of every table."""
        query = "DELETE FROM pictures WHERE game = ? AND number = ? RETURNING number"
        return bool(self._ask(query, id, number))

    def count_pictures(self, id: str) -> int | None:
        """As of every table."""
        counted = "SELECT (SELECT COUNT(*) FROM pictures WHERE game = id) FROM games WHERE id = ?"
        found = self._ask(counted, id)
        return found[0][0] if found else None

    def note_figures(self, replica: str, text: str, seconds: float) -> dict[str, str]:
        """As of every table."""
        now = time.time()
        with self._change() as file:
            file.execute("DELETE FROM figures WHERE until < ? OR replica = ?", (now, replica))
            file.execute("INSERT INTO figures VALUES (?, ?, ?)", (replica, now + seconds, text))
            return dict(file.execute("SELECT replica, text FROM figures ORDER BY replica"))

    def close(self) -> None:
        """As of every table."""
        self._over.set()
        if self._mover.is_alive():
            self._mover.join()
        with self._lock:
            self._file.close()

    def _move(self, path: Path | str) -> None:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as file:
            while not self._over.wait(MOVE_SECONDS):
                with suppress(sqlite3.Error):  # the next time, then
                    file.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _make_room(self) -> None:
        with self._change() as file:
            oldest = time.time() - self._keep_seconds
            file.execute("DELETE FROM games WHERE seen < ?", (oldest,))
            while self._bytes() > self._max_bytes:
                first = "SELECT id FROM games ORDER BY seen LIMIT 1"
                if not file.execute(f"DELETE FROM games WHERE id = ({first})").rowcount:
                    break
        with self._lock:
            self._file.execute("PRAGMA incremental_vacuum(1000)")

    def _bytes(self) -> int:
        pages, free, size = (
            self._file.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

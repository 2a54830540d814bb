"""A store of games in a server that speaks the protocol of Redis."""

from collections.abc import Sequence
from typing import Any

import redis

from playworld.play.store.table import Change, Kept, Written, first_epoch

TIMEOUT_SECONDS = 4.0
PARTS = ("game", "about", "bodies", "pictures", "snapshot")
"""Keys of a game: what is known of it, how its frames came about, the frames, the player's
pictures, and a state of the model."""
CREATE = """
redis.call('DEL', unpack(KEYS))
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'head', '', 'state', '', 'pictures', 0)
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""
CLAIM = """
if redis.call('EXISTS', KEYS[1]) == 0 then return nil end
return redis.call('HINCRBY', KEYS[1], 'epoch', 1)
"""
WRITE = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return 'gap' end
if epoch ~= ARGV[1] then return 'lost' end
local base, length = tonumber(ARGV[2]), redis.call('LLEN', KEYS[2])
if math.min(length, redis.call('HLEN', KEYS[3])) < base then return 'gap' end
if base == 0 then redis.call('DEL', KEYS[2], KEYS[3]) else
    redis.call('LTRIM', KEYS[2], 0, base - 1)
    for number = base, length - 1 do redis.call('HDEL', KEYS[3], number) end
end
redis.call('HSET', KEYS[1], 'state', ARGV[4])
if ARGV[5] == '1' then redis.call('HSET', KEYS[1], 'head', ARGV[6]) end
local snapshot = redis.call('HGET', KEYS[5], 'number')
if snapshot and tonumber(snapshot) >= base then redis.call('DEL', KEYS[5]) end
if ARGV[7] ~= '' then redis.call('HSET', KEYS[5], 'number', ARGV[7], 'state', ARGV[8]) end
for k = 9, #ARGV, 2 do
    local number = redis.call('RPUSH', KEYS[2], ARGV[k]) - 1
    redis.call('HSET', KEYS[3], number, ARGV[k + 1])
end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, ARGV[3]) end
return 'ok'
"""
READ = """
local found = redis.call('HMGET', KEYS[1], 'epoch', 'head', 'state')
if not found[1] then return nil end
return {found, redis.call('LRANGE', KEYS[2], 0, -1)}
"""
ADD_PICTURE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return nil end
if redis.call('HLEN', KEYS[4]) >= tonumber(ARGV[2]) then return nil end
local number = redis.call('HINCRBY', KEYS[1], 'pictures', 1) - 1
redis.call('HSET', KEYS[4], number, ARGV[3])
redis.call('EXPIRE', KEYS[4], ARGV[1])
return number
"""


class RedisTable:
    """Games in a Redis-compatible server, each deleted when it was not played for `keep_seconds`.

    The keys of a game have one hash tag, so that they are on one machine of a Redis cluster.
    """

    def __init__(self, url: str, keep_seconds: float) -> None:
        """Connect.

        Raises:
            ValueError: the address is none of Redis.
            redis.RedisError: the server does not answer, or lets nobody in.
        """
        self._keep = max(1, int(keep_seconds))
        self._server = redis.Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        )
        self._server.ping()
        register = self._server.register_script
        self._create, self._claim, self._write, self._read, self._add = map(
            register, (CREATE, CLAIM, WRITE, READ, ADD_PICTURE)
        )

    def _keys(self, id: str) -> list[str]:
        return [f"playworld:{{{id}}}:{part}" for part in PARTS]

    def create(self, id: str) -> int:
        """As of every table."""
        epoch = first_epoch()
        self._create(self._keys(id), [self._keep, epoch])
        return epoch

    def claim(self, id: str) -> int | None:
        """As of every table."""
        return self._claim(self._keys(id))

    def epoch(self, id: str) -> int | None:
        """As of every table."""
        found: Any = self._server.hget(self._keys(id)[0], "epoch")
        return None if found is None else int(found)

    def write(self, id: str, epoch: int, change: Change) -> Written:
        """As of every table."""
        head = b"" if change.head is None else change.head
        start = [int(change.head is not None), head]
        fixed = [epoch, change.base, self._keep, change.state, *start]
        pairs = zip(change.about, change.bodies, strict=True)
        frames = (part for pair in pairs for part in pair)
        values: list[Any] = [*fixed, *(change.snapshot or (b"", b"")), *frames]
        outcome = self._write(self._keys(id), values)
        return Written(outcome.decode())

    def read(self, id: str) -> Kept | None:
        """As of every table."""
        found = self._read(self._keys(id))
        if found is None:
            return None
        (epoch, head, state), about = found
        return Kept(int(epoch), head, state, about)

    def bodies(self, id: str, numbers: Sequence[int]) -> list[bytes]:
        """As of every table."""
        found: Any = self._server.hmget(self._keys(id)[2], [str(n) for n in numbers] or ["0"])
        return [body for body in found if body is not None] if numbers else []

    def snapshot(self, id: str) -> tuple[int, bytes] | None:
        """As of every table."""
        found: Any = self._server.hmget(self._keys(id)[4], ["number", "state"])
        return None if found[0] is None else (int(found[0]), found[1])

    def add_picture(self, id: str, png: bytes, most: int) -> int | None:
        """As of every table."""
        return self._add(self._keys(id), [self._keep, most, png])

    def picture(self, id: str, number: int) -> bytes | None:
        """As of every table."""
        found: Any = self._server.hget(self._keys(id)[3], str(number))
        return found

    def remove_picture(self, id: str, number: int) -> bool:
        """As of every table."""
        return bool(self._server.hdel(self._keys(id)[3], str(number)))

    def count_pictures(self, id: str) -> int | None:
        """As of every table."""
        game, *_, pictures, _ = self._keys(id)
        if not self._server.exists(game):
            return None
        found: Any = self._server.hlen(pictures)
        return found

    def note_figures(self, replica: str, text: str, seconds: float) -> dict[str, str]:
        """As of every table."""
        prefix = "playworld:figures:"
        self._server.set(prefix + replica, text, px=int(1000 * seconds))
        names: list[Any] = sorted(self._server.scan_iter(f"{prefix}*", count=1000))
        texts: Any = self._server.mget(names)
        return {
            name.decode().removeprefix(prefix): found.decode()
            for name, found in zip(names, texts, strict=True)
            if found is not None
        }

    def close(self) -> None:
        """As of every table."""
        self._server.close()

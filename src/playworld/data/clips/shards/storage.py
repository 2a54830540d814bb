"""Where the bytes of shards lie: in files mapped into memory, or in storage that fsspec reaches."""

import hashlib
import logging
import mmap
import os
import threading
import time
import zlib
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from playworld.config import InputError
from playworld.data.clips.shards.layout import Place, Shard, read_json, sha256_of

log = logging.getLogger(__name__)

REMOTE_FILE = "remote.json"
"""Lies beside an index whose shards are elsewhere: their `url`, and how many bytes to `keep`."""
MAX_MAPS = 512
"""Files mapped at the same time: each takes a file descriptor, of which a process has 1,024."""
PAUSES = (1.0, 4.0, 16.0)
"""Seconds before another attempt, where storage does not answer."""


def file_system(url: str) -> tuple[Any, str]:
    """The fsspec file system that a URL such as s3://bucket/clips names, and the path in it.

    Raises:
        InputError: where there is no such protocol, or its package is not installed.
    """
    from fsspec.core import url_to_fs

    try:
        return url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise InputError(f"{url} cannot be reached: {error}") from error


def cut(data: bytes, place: Place, first: int, last: int) -> list[bytes]:
    """Bytes of one run of chunks as one piece per chunk."""
    edges = (place.offsets[first : last + 2] - place.offsets[first]).tolist()
    return [data[a:b] for a, b in pairwise(edges)]


class Maps:
    """Files of a folder mapped into memory; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._maps: dict[str, mmap.mmap] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> mmap.mmap:
        """The bytes of a file; of many, the one mapped longest ago is closed."""
        with self._lock:
            if name not in self._maps:
                if len(self._maps) == MAX_MAPS:
                    self._maps.pop(next(iter(self._maps)))  # open until its last reader is done
                with open(self._folder / name, "rb") as file:
                    self._maps[name] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            return self._maps[name]


class Mapped:
    """Shards beside their index."""

    threads = 2
    """How many threads should read at the same time."""

    def __init__(self, folder: Path, shards: Sequence[Shard]) -> None:
        for shard in shards:
            path = folder / shard.name
            found = path.stat().st_size if path.is_file() else None
            if found != shard.size:
                raise InputError(
                    f"{path} should have {shard.size} bytes, found "
                    f"{'no file' if found is None else found}; ingest the videos again"
                )
        self._folder, self._shards, self._maps = folder, shards, Maps(folder)

    def chunks(self, place: Place, first: int, last: int) -> list[bytes]:
        """The stored bytes of chunks `first` to `last` of a scene, whatever state they are in."""
        begin, end = int(place.offsets[first]), int(place.offsets[last + 1])
        return cut(self._maps[self._shards[place.shard].name][begin:end], place, first, last)

    def sha256(self, name: str) -> str:
        """Of a whole shard; raises FileNotFoundError."""
        return sha256_of(self._folder / name)


class Remote:
    """Shards elsewhere, fetched by byte range; what was read once is kept in local sparse files.

    Only the first `keep` bytes of all shards are kept. Clips are drawn evenly over all of them, so
    keeping other ones, or the latest, would save no more; and these need no bookkeeping, so that
    several processes may share them: a chunk that is not there yet, or is half written, fails its
    checksum and is fetched.
    """

    threads = 32
    """Most of them wait for an answer."""

    def __init__(self, folder: Path, shards: Sequence[Shard]) -> None:
        address = read_json(folder / REMOTE_FILE)
        self.url, self._keep = str(address["url"]), int(address["keep"])
        self._files, self._root = file_system(self.url)
        self._folder, self._shards = folder, shards
        self._starts = list(accumulate((shard.size for shard in shards), initial=0))

    def chunks(self, place: Place, first: int, last: int) -> list[bytes]:
        """The stored bytes of chunks `first` to `last` of a scene, whatever state they are in.

        Raises:
            OSError: where the storage does not answer.
        """
        begin, end = int(place.offsets[first]), int(place.offsets[last + 1])
        name = self._shards[place.shard].name
        keeps = self._starts[place.shard] + end <= self._keep
        if keeps:
            found = cut(self._kept(name, begin, end), place, first, last)
            sums = place.crc32[first : last + 1].tolist()
            if all(zlib.crc32(data) == crc for data, crc in zip(found, sums, strict=True)):
                return found
        data = self._fetch(name, begin, end)
        if keeps:
            self._store(name, begin, data)
        return cut(data, place, first, last)

    def _kept(self, name: str, begin: int, end: int) -> bytes:
        try:
            with open(self._folder / name, "rb", buffering=0) as file:
                return os.pread(file.fileno(), end - begin, begin)
        except FileNotFoundError:
            return b""

    def _store(self, name: str, begin: int, data: bytes) -> None:
        try:
            descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT, 0o644)
            try:
                os.pwrite(descriptor, data, begin)
            finally:
                os.close(descriptor)
        except OSError as error:
            self._keep = 0  # a full disk is no reason to stop: the bytes can be fetched again
            log.warning("%s keeps no more of %s (%s)", self._folder, self.url, error.strerror)

    def _fetch(self, name: str, begin: int, end: int) -> bytes:
        path = f"{self._root}/{name}"
        for pause in PAUSES:
            try:
                return self._files.cat_file(path, start=begin, end=end)
            except FileNotFoundError as error:
                raise FileNotFoundError(f"{self.url}/{name} is missing") from error
            except OSError as error:
                log.info("%s/%s does not answer (%s); trying again", self.url, name, error)
                time.sleep(pause)
        return self._files.cat_file(path, start=begin, end=end)

    def sha256(self, name: str) -> str:
        """Of a whole shard; raises FileNotFoundError."""
        with self._files.open(f"{self._root}/{name}", "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def storage_of(folder: Path, shards: Sequence[Shard]) -> Mapped | Remote:
    """The storage of a folder with an index.

    Raises:
        InputError: where a shard is missing or has another size, or the storage cannot be reached.
    """
    if (folder / REMOTE_FILE).is_file():
        return Remote(folder, shards)
    return Mapped(folder, shards)

"""Clips in object storage: a local folder that stands for them, and fetches what is read."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from playworld.atomic import alone, cache_folder, new_folder
from playworld.config import InputError
from playworld.data.clips.shards import REMOTE_FILE
from playworld.data.clips.shards.layout import INDEX_FILE, read_index
from playworld.data.clips.shards.storage import file_system

KEEP_BYTES = 64 * 2**30
"""Of the shards of one set of clips, so many bytes are kept on the local disk once read."""


def at_hand(clips: str | Path, cache: Path | None = None, keep_bytes: int = KEEP_BYTES) -> Path:
    """The folder of clips that a path names, or a URL such as s3://bucket/clips.

    A path is returned as it is. For a URL, the indices are copied into a folder of the cache, once
    for each state of the clips, and a reader of that folder fetches the chunks needed; the
    first `keep_bytes` of the shards are kept there, those for validation before those for training.
    Any protocol will do whose fsspec package is installed (s3fs, gcsfs, adlfs and others).

    Raises:
        InputError: where the URL cannot be reached or holds no clips.
    """
    url = str(clips).rstrip("/")
    if not re.match(r"[a-z][a-z0-9+.-]*:(//|:)", url):
        return Path(clips)
    files, root = file_system(url)
    described = _fetch(files, url, root, "dataset.json")
    name = hashlib.sha256(f"{url} ".encode() + described).hexdigest()[:16]
    folder = (cache or cache_folder() / "clips") / name
    with alone(folder):
        if not folder.exists():
            with new_folder(folder) as fresh:
                (fresh / "dataset.json").write_bytes(described)
                _copy_indices(fresh, files, url, root, keep_bytes)
    return folder


def _copy_indices(folder: Path, files: Any, url: str, root: str, keep: int) -> None:
    for split in ("valid", "train"):
        (folder / split).mkdir()
        index = _fetch(files, url, root, f"{split}/{INDEX_FILE}")
        (folder / split / INDEX_FILE).write_bytes(index)
        size = sum(shard.size for shard in read_index(folder / split).shards)
        address = {"url": f"{url}/{split}", "keep": min(size, keep)}
        (folder / split / REMOTE_FILE).write_text(json.dumps(address))
        keep = max(0, keep - size)


def _fetch(files: Any, url: str, root: str, name: str) -> bytes:
    try:
        return files.cat_file(f"{root}/{name}")
    except FileNotFoundError:
        raise InputError(f"{url} holds no clips: {name} is missing") from None
    except OSError as error:
        raise InputError(f"{url}/{name} cannot be read: {error}") from error

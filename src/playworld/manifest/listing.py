"""`manifest.json`: the files of a folder with size and sha256."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from playworld.config import InputError, to_dict

MANIFEST = "manifest.json"
_MAX_JSON_BYTES = 16 << 20


@dataclass(frozen=True)
class FileRecord:
    """What the manifest says about one file."""

    sha256: str
    """Hexadecimal digest of the content."""
    bytes: int
    """Size of the content."""


def write_manifest(folder: Path, records: Mapping[str, FileRecord]) -> None:
    """Write the file that makes a folder of these files one that `read_folder` opens."""
    listing = {name: to_dict(record) for name, record in sorted(records.items())}
    (folder / MANIFEST).write_bytes(encode_document({"format": 1, "files": listing}))


def record_of(path: Path) -> FileRecord:
    """What a manifest says about a file that is written already."""
    with open(path, "rb") as file:
        return FileRecord(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def verify(path: Path, record: FileRecord) -> None:
    """Raise InputError if a file is missing, or is not what the manifest says."""
    if not path.is_file():  # a FIFO or a device would block
        raise InputError(f"{path} is missing")
    if path.stat().st_size != record.bytes:
        sizes = f"{record.bytes} bytes expected, {path.stat().st_size} found"
        raise InputError(f"{path} has been altered: {sizes}")
    if record_of(path).sha256 != record.sha256:
        raise InputError(f"{path} has been altered: its sha256 is not the manifest's")


def safe_name(name: str, root: Path) -> PurePosixPath:
    """A relative name that stays inside the folder."""
    parts = name.split("/")
    if "\\" in name or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise InputError(f"{root}: {name!r} is not the name of a file inside the folder")
    return PurePosixPath(name)


def listed_files(path: Path) -> dict[str, Any]:
    """The files of a folder of ours by name; none where there is no manifest, or a damaged one.

    Raises:
        InputError: where the manifest is of another program.
    """
    try:
        manifest = parse_json(path / MANIFEST)
    except (InputError, FileNotFoundError):
        return {}
    if not is_manifest(manifest):
        raise InputError(f"{path} holds files that playworld did not write: choose another folder")
    return manifest["files"]


def is_manifest(value: Any) -> bool:
    """Whether JSON is a listing as `write_manifest` makes them."""
    files = value.get("files") if isinstance(value, dict) else None
    fields = {field.name for field in dataclasses.fields(FileRecord)}
    return isinstance(files, dict) and all(
        isinstance(record, dict) and set(record) == fields for record in files.values()
    )


def encode_document(value: Any) -> bytes:
    """Text and JSON values as they are written; bytes as they are."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def parse_json(path: Path) -> Any:
    """A JSON file, without NaN, infinity or repeated keys.

    Raises:
        InputError: if it is not such JSON, or too large.
    """
    if path.stat().st_size > _MAX_JSON_BYTES:
        raise InputError(f"{path} is too large to be JSON of ours: {path.stat().st_size} bytes")
    try:
        return json.loads(
            path.read_bytes(), parse_constant=_refuse_constant, object_pairs_hook=_unique
        )
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not valid JSON: {error}") from error


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not allowed")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found

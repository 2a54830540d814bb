"""A folder of safetensors + JSON + sha256 manifest: written in one piece, verified when read.

safetensors has no checksum of its own, so `manifest.json` holds the sha256 of every other file.
Nothing here unpickles anything.
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from playworld.atomic import (
    cannot_save,
    check_place,
    folder_at,
    is_litter,
    may_be_ignored,
    new_folder,
    settle,
)
from playworld.config import InputError, from_dict, to_dict
from playworld.lfs import refuse_pointer

MANIFEST = "manifest.json"
_MAX_JSON_BYTES = 16 << 20


@dataclass(frozen=True)
class FileRecord:
    """What the manifest says about one file."""

    sha256: str
    """Hexadecimal digest of the content."""
    bytes: int
    """Size of the content."""


@dataclass(frozen=True)
class Folder:
    """A folder whose files have all been compared with their sha256."""

    path: Path
    """Where it lies."""
    files: Mapping[str, FileRecord]
    """Its files by their relative name, without the manifest."""

    @property
    def names(self) -> list[str]:
        """The files listed in the manifest, sorted."""
        return sorted(self.files)

    def bytes(self, name: str) -> bytes:
        """The content of one file.

        Raises:
            InputError: if the manifest does not list it.
        """
        return self._file(name).read_bytes()

    def json(self, name: str) -> Any:
        """One JSON file, without NaN, infinity or repeated keys.

        Raises:
            InputError: if the manifest does not list it, or it is not such JSON.
        """
        return _parse_json(self._file(name))

    def tensors(self, name: str) -> dict[str, Tensor]:
        """One safetensors file, on the CPU.

        Raises:
            InputError: if the manifest does not list it, or it is not safetensors.
        """
        path = self._file(name)
        try:
            return safetensors.torch.load_file(path)
        except (safetensors.SafetensorError, KeyError, ValueError) as error:
            raise InputError(f"{path} is not a safetensors file: {error}") from error

    def _file(self, name: str) -> Path:
        if name not in self.files:
            raise InputError(f"{self.path} has no {name}: it is not the kind of folder needed here")
        return self.path / name


def write_folder(
    path: Path,
    tensors: Mapping[str, Mapping[str, Tensor]],
    documents: Mapping[str, Any],
) -> None:
    """Write `path` so that at every moment it holds the old folder or the new one, complete.

    `tensors` maps file names to named tensors, `documents` maps file names to JSON values, text or
    bytes; names may have a folder in them ("prompts/01.png"). They take the place of the files that
    the old manifest lists; everything else in the folder stays (`playworld.atomic.new_folder`).

    Raises:
        InputError: if `path` is a file, or a folder that is not of the kind that is written here.
        OSError: if the disk is full or fails; names `path` and the bytes needed, and the old
            folder is as it was.
    """
    path = Path(path)
    refuse_foreign(path, tensors)
    encoded = {name: _encode_document(value) for name, value in documents.items()}
    needed = sum(map(len, encoded.values()))
    needed += sum(tensor.nbytes for group in tensors.values() for tensor in group.values())
    records = {}
    try:
        with new_folder(path, own_files) as folder:
            for name in [*tensors, *encoded]:  # one at a time: each is a copy in memory
                content = _encode_tensors(tensors[name]) if name in tensors else encoded[name]
                records[name] = FileRecord(hashlib.sha256(content).hexdigest(), len(content))
                file = folder / _safe(name, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            write_manifest(folder, records)
    except OSError as error:
        raise cannot_save(path, needed, error) from error


def write_manifest(folder: Path, records: Mapping[str, FileRecord]) -> None:
    """Write the file that makes a folder of these files one that `read_folder` opens."""
    listing = {name: to_dict(record) for name, record in sorted(records.items())}
    (folder / MANIFEST).write_bytes(_encode_document({"format": 1, "files": listing}))


def record_of(path: Path) -> FileRecord:
    """What a manifest says about a file that is written already."""
    with open(path, "rb") as file:
        return FileRecord(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def read_folder(path: Path) -> Folder:
    """Open a folder that `write_folder` made, comparing every file with its size and sha256.

    Raises:
        InputError: naming the file that is missing or altered.
    """
    path = Path(path)
    settle(path)
    while True:
        before = _stamp(path)
        try:
            return _read(path)
        except InputError:
            if not settle(path) and _stamp(path) == before:
                raise  # else it was replaced while we read


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = (path / MANIFEST).stat()
        return stat.st_ino, stat.st_mtime_ns
    except OSError:
        return None


def _read(path: Path) -> Folder:
    if not path.is_dir():
        raise InputError(f"no folder at {path}")
    if not (path / MANIFEST).is_file():
        raise InputError(f"{path} has no {MANIFEST}: it is not a folder that playworld wrote")
    refuse_pointer(path / MANIFEST)
    manifest = _parse_json(path / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("format") != 1:
        raise InputError(f'{path / MANIFEST}: expected "format": 1, is it from a newer version?')
    listing = manifest.get("files")
    if not isinstance(listing, dict):
        raise InputError(f'{path / MANIFEST}: expected an object "files"')
    files = {}
    for name, record in listing.items():
        files[name] = from_dict(FileRecord, record, where=f"{path / MANIFEST}: files[{name!r}]")
        refuse_pointer(path / _safe(name, path))
        _verify(path / _safe(name, path), files[name])
    return Folder(path, files)


def load_into(module: nn.Module, tensors: Mapping[str, Tensor], where: str) -> None:
    """Copy tensors into a module of exactly these names and shapes; `where` starts every error.

    A module built on the meta device takes the tensors over instead: a wrong one is refused before
    any memory is taken, and no random numbers are spent on weights that are replaced anyway.

    Raises:
        InputError: naming the first tensor that is missing, unknown, or of another shape or kind.
    """
    wanted = module.state_dict()
    for name, own in wanted.items():
        if name not in tensors:
            raise InputError(f"{where}: tensor {name} is missing")
        came = tensors[name]
        if came.shape != own.shape:
            shapes = f"{list(own.shape)}, got {list(came.shape)}"
            raise InputError(f"{where}: tensor {name} should have shape {shapes}")
        if came.is_floating_point() != own.is_floating_point():
            raise InputError(f"{where}: tensor {name} should be {own.dtype}, got {came.dtype}")
    for name in tensors:
        if name not in wanted:
            raise InputError(f"{where}: tensor {name} is not part of this model")
    same_type = {name: tensors[name].to(own.dtype) for name, own in wanted.items()}
    module.load_state_dict(same_type, assign=any(own.is_meta for own in wanted.values()))


def params_sha256(tensors: Mapping[str, Tensor]) -> str:
    """One hash of names, types, shapes and values, whatever the order and the device."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def own_files(path: Path) -> set[str]:
    """Names of the files that `write_folder` may replace: those that the manifest lists.

    A document that was changed since, such as a card edited by hand, is not ours any more.
    """
    found = {MANIFEST}
    for name, record in _listing(path).items():
        file = path / _safe(name, path)
        linked = any(folder.is_symlink() for folder in file.parents if path in folder.parents)
        if not linked and (name.endswith(".safetensors") or _is_as_written(file, record)):
            found.add(name)
    return found


def remove_folder(path: Path) -> None:
    """Remove a folder that `write_folder` made, but for what others have put into it."""
    for name in sorted(own_files(path) - {MANIFEST}):
        (path / name).unlink(missing_ok=True)
    (path / MANIFEST).unlink(missing_ok=True)  # last: a kill before it leaves what is to be removed
    for entry in [*path.iterdir()]:
        if is_litter(entry.name) and entry.is_file():
            entry.unlink(missing_ok=True)
    for folder in sorted({path, *(p for p in path.rglob("*") if p.is_dir())}, reverse=True):
        with suppress(OSError):  # not empty
            folder.rmdir()


def refuse_foreign(path: Path, weights: Collection[str]) -> None:
    """Raise InputError if writing here would fail, or mix with something of another kind.

    `playworld train ... ~/Videos` must not write among the videos, nor `agent clone` into a world;
    better reported before the training. The kind of a folder follows from the safetensors files in
    its manifest: `weights` names those that are to be written.
    """
    check_place(path)
    if not path.is_dir() or all(may_be_ignored(entry.name) for entry in path.iterdir()):
        return
    if not _is_ours(path, weights):
        raise InputError(f"{path} holds files that playworld did not write: choose another folder")
    found = {name for name in _listing(path) if name.endswith(".safetensors")}
    if weights and found and found != set(weights):
        raise InputError(
            f"{path} is another kind of folder: it holds {', '.join(sorted(found))}, where "
            f"{', '.join(sorted(weights))} would be written; choose another folder"
        )
    own_files(path)  # raises for a manifest with names that lead elsewhere


def refuse_sealed(path: Path) -> None:
    """Raise InputError if loose results cannot be written here: into a file, or into a world.

    A folder with a manifest is written in one piece, so nothing else belongs into it.
    """
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file, where a folder is to be written")
    if (path / MANIFEST).is_file():
        raise InputError(
            f"{path} is a world or another finished folder: choose a folder of their own for the "
            "results"
        )


def results_folder(path: Path) -> Path:
    """The folder for loose results, made where there is none: called before the work.

    Raises:
        InputError: see `refuse_sealed`; or where the folder cannot be written into.
    """
    refuse_sealed(path)
    return folder_at(path)


def _is_ours(path: Path, weights: Collection[str]) -> bool:
    """Whether we wrote the folder: by its manifest, or by weights beside a damaged one of ours.

    Many programs call a file of theirs manifest.json, some with comments in it.
    """
    try:
        return _is_manifest(_parse_json(path / MANIFEST))
    except FileNotFoundError:
        return False
    except (InputError, IsADirectoryError):
        return any((path / name).is_file() for name in weights)


def _is_manifest(value: Any) -> bool:
    """Whether JSON is a listing as `write_manifest` makes them."""
    files = value.get("files") if isinstance(value, dict) else None
    fields = {field.name for field in dataclasses.fields(FileRecord)}
    return isinstance(files, dict) and all(
        isinstance(record, dict) and set(record) == fields for record in files.values()
    )


def _listing(path: Path) -> dict[str, Any]:
    """The files of a folder of ours by name; none where there is no manifest, or a damaged one.

    Raises:
        InputError: where the manifest is of another program.
    """
    try:
        manifest = _parse_json(path / MANIFEST)
    except (InputError, FileNotFoundError):
        return {}
    if not _is_manifest(manifest):
        raise InputError(f"{path} holds files that playworld did not write: choose another folder")
    return manifest["files"]


def _is_as_written(file: Path, record: Any) -> bool:
    try:
        return to_dict(record_of(file)) == record
    except OSError:
        return False


def _encode_tensors(tensors: Mapping[str, Tensor]) -> bytes:
    return safetensors.torch.save(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    )


def _encode_document(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _verify(path: Path, record: FileRecord) -> None:
    if not path.is_file():  # a FIFO or a device would block
        raise InputError(f"{path} is missing")
    if path.stat().st_size != record.bytes:
        sizes = f"{record.bytes} bytes expected, {path.stat().st_size} found"
        raise InputError(f"{path} has been altered: {sizes}")
    if record_of(path).sha256 != record.sha256:
        raise InputError(f"{path} has been altered: its sha256 is not the manifest's")


def _safe(name: str, root: Path) -> PurePosixPath:
    """A relative name that stays inside the folder."""
    parts = name.split("/")
    if "\\" in name or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise InputError(f"{root}: {name!r} is not the name of a file inside the folder")
    return PurePosixPath(name)


def _parse_json(path: Path) -> Any:
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

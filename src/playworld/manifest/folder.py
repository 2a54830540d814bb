"""A folder of weights and documents: written in one piece, read once every file was compared."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from playworld.atomic import cannot_save, new_folder, settle
from playworld.config import InputError, from_dict
from playworld.lfs import refuse_pointer
from playworld.manifest.listing import (
    MANIFEST,
    FileRecord,
    encode_document,
    parse_json,
    safe_name,
    verify,
    write_manifest,
)
from playworld.manifest.ownership import own_files, refuse_foreign


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
        return parse_json(self._file(name))

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
    encoded = {name: encode_document(value) for name, value in documents.items()}
    needed = sum(map(len, encoded.values()))
    needed += sum(tensor.nbytes for group in tensors.values() for tensor in group.values())
    records = {}
    try:
        with new_folder(path, own_files) as folder:
            for name in [*tensors, *encoded]:  # one at a time: each is a copy in memory
                content = _encode_tensors(tensors[name]) if name in tensors else encoded[name]
                records[name] = FileRecord(hashlib.sha256(content).hexdigest(), len(content))
                file = folder / safe_name(name, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            write_manifest(folder, records)
    except OSError as error:
        raise cannot_save(path, needed, error) from error


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
    manifest = parse_json(path / MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("format") != 1:
        raise InputError(f'{path / MANIFEST}: expected "format": 1, is it from a newer version?')
    listing = manifest.get("files")
    if not isinstance(listing, dict):
        raise InputError(f'{path / MANIFEST}: expected an object "files"')
    files = {}
    for name, record in listing.items():
        files[name] = from_dict(FileRecord, record, where=f"{path / MANIFEST}: files[{name!r}]")
        refuse_pointer(path / safe_name(name, path))
        verify(path / safe_name(name, path), files[name])
    return Folder(path, files)


def _encode_tensors(tensors: Mapping[str, Tensor]) -> bytes:
    return safetensors.torch.save(
        {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    )

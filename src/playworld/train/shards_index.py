"""The index of torch.distributed.checkpoint, a pickle, read without running what it may hold."""

import pickle
from typing import Any

import torch
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.metadata import Metadata

from playworld.config import InputError

_TORCH = "torch.distributed.checkpoint."
_NAMES = {
    _TORCH + "metadata": {
        "BytesStorageMetadata",
        "ChunkStorageMetadata",
        "Metadata",
        "MetadataIndex",
        "StorageMeta",
        "TensorProperties",
        "TensorStorageMetadata",
        "_MEM_FORMAT_ENCODING",
    },
    _TORCH + "filesystem": {"_StorageInfo"},
    "torch": {"Size", *(str(t)[6:] for t in vars(torch).values() if isinstance(t, torch.dtype))},
    "torch.serialization": {"_get_layout"},
    "pathlib": {"PosixPath", "WindowsPath"},
}
"""Everything that such an index names, by module: shapes, types and places of tensors."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name not in _NAMES.get(module, ()):
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return super().find_class(module, name)


class IndexReader(dcp.FileSystemReader):
    """Reads shards; an index that names anything but places of tensors is refused."""

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        """What PyTorch's own does, but for the unpickler.

        Raises:
            InputError: where the index is damaged, or would run something.
        """
        path = self._get_metadata_path(kwargs.get("rank"))
        try:
            with open(path, "rb") as file:
                found = _Unpickler(file).load()
        except Exception as error:  # whatever a damaged pickle raises
            raise InputError(f"{path} is not the index of a checkpoint: {error}") from error
        if not isinstance(found, Metadata):
            raise InputError(f"{path} is not the index of a checkpoint")
        found.storage_meta = found.storage_meta or dcp.metadata.StorageMeta()
        found.storage_meta.load_id = self.load_id
        return found

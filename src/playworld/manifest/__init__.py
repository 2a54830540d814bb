"""A folder of safetensors + JSON + sha256 manifest: written in one piece, verified when read.

safetensors has no checksum of its own, so `manifest.json` holds the sha256 of every other file.
Nothing here unpickles anything.
"""

from playworld.manifest.folder import Folder, read_folder, write_folder
from playworld.manifest.listing import MANIFEST, FileRecord, record_of, write_manifest
from playworld.manifest.ownership import (
    own_files,
    refuse_foreign,
    refuse_sealed,
    remove_folder,
    results_folder,
)
from playworld.manifest.tensors import load_into, params_sha256

__all__ = [
    "MANIFEST",
    "FileRecord",
    "Folder",
    "load_into",
    "own_files",
    "params_sha256",
    "read_folder",
    "record_of",
    "refuse_foreign",
    "refuse_sealed",
    "remove_folder",
    "results_folder",
    "write_folder",
    "write_manifest",
]

"""TorchScript files that a user names: networks whose weights are not ours to give."""

import hashlib
import warnings
from pathlib import Path
from typing import Any

import torch

from playworld.config import InputError


def load_torchscript(path: Path, what: str, device: torch.device) -> tuple[Any, str]:
    """The network in a file, and the file's sha256.

    Loading runs what the file says: name only files whose origin you trust.

    Raises:
        InputError: if there is no such file, or it is no TorchScript.
    """
    if not path.is_file():
        raise InputError(f"{what}: there is no file {path}")
    try:
        with warnings.catch_warnings():
            # The files in use are TorchScript, whatever PyTorch would like them to be.
            warnings.simplefilter("ignore", DeprecationWarning)
            network = torch.jit.load(str(path), map_location=device)
    except (RuntimeError, ValueError) as error:
        first = (str(error).splitlines() or [""])[0]
        raise InputError(f"{what}: {path} is no TorchScript file: {first:.200}") from error
    with path.open("rb") as file:
        return network.eval(), hashlib.file_digest(file, "sha256").hexdigest()


def refused(what: str, path: Path, wanted: str, error: Exception) -> InputError:
    """The error of a network that does not take what it was given."""
    reason = (str(error).strip().splitlines() or [""])[-1]
    return InputError(f"{what}: {path} does not work as {wanted}: {reason:.200}")

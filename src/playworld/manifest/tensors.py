"""Tensors by name: into a module of exactly these, and one hash of them all."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from playworld.config import InputError


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

"""Tensor parallelism: neighbouring processes share the heads and hidden features of ST blocks.

As in Megatron-LM (arXiv:1909.08053, section 3): the projections into heads and hidden features are
split by their rows, those out of them by their columns, so that a block needs one sum over the
group after each attention and each feed-forward, and as many in the backward pass. A process keeps
the activations of its own heads and features only. Embeddings, stems, norms and heads of the models
are in every process of a group; FSDP2 shards them, and what a process has of the blocks, over the
groups.
"""

import logging

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    ParallelStyle,
    RowwiseParallel,
    parallelize_module,
)

from playworld.config import InputError
from playworld.models.attention import Attention
from playworld.models.quantizer import VectorQuantizer, sum_over_ranks
from playworld.models.st_transformer import STBlock
from playworld.train.distributed import Parallel, average, st_blocks


def refuse_uneven(model: nn.Module, parallel: Parallel) -> None:
    """Check that the processes can share every ST block of a model.

    Raises:
        InputError: if the processes, the heads of a block or its hidden features do not divide.
    """
    parallel.data_parallel_degree()
    tensor = parallel.tensor
    for block in st_blocks(model):
        heads = block.space.out.in_features // block.space.head_dim
        hidden = len(block.mlp.get_parameter("0.weight"))
        if heads % tensor or hidden % tensor:
            raise InputError(
                f"--tensor-parallel {tensor} does not divide the {heads} heads and {hidden} hidden "
                "features of a block"
            )


def make_mesh(parallel: Parallel, device: torch.device) -> DeviceMesh:
    """The processes as workers ("data") x members of a worker's group ("tensor")."""
    shape, names = (parallel.data_parallel_degree(), parallel.tensor), ("data", "tensor")
    return init_device_mesh(device.type, shape, mesh_dim_names=names)


def split_blocks(objective: nn.Module, mesh: DeviceMesh) -> None:
    """Leave this process its part of every ST block, in place. All have to hold the same weights.

    Args:
        objective: what is trained, not yet sharded.
        mesh: the processes of this one's group.
    """
    # It would warn of two gathers in a row, wherever a weight that both dimensions share is wanted.
    logging.getLogger("torch.distributed.tensor._redistribute").setLevel(logging.ERROR)
    for block in st_blocks(objective):
        plan: dict[str, ParallelStyle] = {"mlp.0": ColwiseParallel(), "mlp.2": RowwiseParallel()}
        for name, _ in _attentions(block):
            plan |= {f"{name}.qkv": ColwiseParallel(), f"{name}.out": RowwiseParallel()}
        parallelize_module(block, mesh, plan, src_data_rank=None)
    for module in objective.modules():
        if isinstance(module, VectorQuantizer):
            module.copies = mesh.size()


@torch.no_grad()
def average_over_group(objective: nn.Module, mesh: DeviceMesh) -> None:
    """Give the processes of a group the same gradients of the parameters that all of them hold.

    A process knows of the norms of queries and keys what its own heads say: these are summed. All
    other gradients are equal already, unless a kernel adds up in no fixed order; their mean keeps
    the copies equal to the bit.
    """
    partial = {
        norm.weight
        for block in st_blocks(objective)
        for _, attention in _attentions(block)
        for norm in (attention.norm_q, attention.norm_k)
    }
    kept = [p for p in _with_gradient(objective) if not _is_split(p)]
    for parameter in kept:
        if parameter in partial:
            _local(parameter.grad).mul_(mesh.size())
    average([_local(p.grad) for p in kept], mesh.get_group())


@torch.no_grad()
def clip_gradients(objective: nn.Module, most: float, tensor: int) -> Tensor:
    """As `nn.utils.clip_grad_norm_`, which knows no parameters of different meshes.

    Returns:
        The norm before, the same in every process.
    """
    trained = _with_gradient(objective)
    split = nn.utils.get_total_norm([_local(p.grad) for p in trained if _is_split(p)])
    kept = nn.utils.get_total_norm([_local(p.grad) for p in trained if not _is_split(p)])
    norm = sum_over_ranks(split.square() + kept.square() / tensor).sqrt()
    torch._foreach_mul_([_local(p.grad) for p in trained], (most / (norm + 1e-6)).clamp(max=1.0))
    return norm


def _attentions(block: STBlock) -> list[tuple[str, Attention]]:
    return [(name, m) for name, m in block.named_children() if isinstance(m, Attention)]


def _with_gradient(objective: nn.Module) -> list[nn.Parameter]:
    return [p for p in objective.parameters() if p.grad is not None]


def _is_split(parameter: nn.Parameter) -> bool:
    return isinstance(parameter, DTensor) and parameter.device_mesh.ndim == 2


def _local(tensor: Tensor | None) -> Tensor:
    assert isinstance(tensor, DTensor)
    return tensor.to_local()

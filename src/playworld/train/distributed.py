"""Processes that train together: ranks, communication, and how a model is distributed."""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.utils.checkpoint import checkpoint

from playworld.config import InputError
from playworld.models.st_transformer import STBlock

LARGE = 500_000_000
"""Trained parameters from which `auto` shards: 20 bytes each on every GPU would be too many."""
PATIENCE = timedelta(hours=2)
"""How long processes wait for one that tokenizes or saves alone, before they call it dead."""


@dataclass(frozen=True)
class Parallel:
    """How a step is spread over processes and time; what is learned does not depend on it."""

    mode: Literal["auto", "ddp", "fsdp"] = "auto"
    """Under torchrun: a copy of the model per process (ddp), or a shard of it (fsdp)."""
    gradient_accumulation_steps: int = 1
    """Parts of a process's batch that go through the model one after the other."""
    activation_checkpointing: bool = False
    """Keep no activations inside transformer blocks, and compute them again for the gradient."""
    tensor: int = 1
    """Neighbouring processes that share every ST block, and the same clips (tensor parallelism)."""

    def __post_init__(self) -> None:
        if min(self.gradient_accumulation_steps, self.tensor) < 1:
            raise InputError(
                f"gradient_accumulation_steps and tensor must be at least 1, got {self}"
            )
        if self.tensor > 1 and self.mode == "ddp":
            raise InputError("--tensor-parallel works on shards: it needs --parallel fsdp, or auto")

    def data_parallel_degree(self) -> int:
        """Groups of processes with clips of their own: as many as processes without `tensor`.

        Raises:
            InputError: if the processes do not divide.
        """
        if ranks() % self.tensor:
            raise InputError(
                f"--tensor-parallel {self.tensor} needs a number of processes that divides by "
                f"{self.tensor}, got {ranks()}; torchrun --nproc-per-node says how many"
            )
        return ranks() // self.tensor

    def data_parallel_rank(self) -> int:
        """Number of the group that this process is in."""
        return rank() // self.tensor

    def share(self, batch_size: int) -> int:
        """Clips per step of one worker.

        Raises:
            InputError: if the batch does not divide.
        """
        degree = self.data_parallel_degree()
        parts = degree * self.gradient_accumulation_steps
        if batch_size % parts:
            who = "processes" if self.tensor == 1 else f"groups of {self.tensor} processes"
            raise InputError(
                f"a batch of {batch_size} clips cannot be shared by {degree} {who} in "
                f"{self.gradient_accumulation_steps} parts each; choose a --batch-size that "
                f"divides by {parts}"
            )
        return batch_size // degree


SINGLE_PROCESS = Parallel()
"""One process, and its batch in one part."""


def ranks() -> int:
    """Processes that train together; 1 outside torchrun."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Number of this process; 0 is the one that logs and writes."""
    return dist.get_rank() if ranks() > 1 else 0


@contextmanager
def processes(device: torch.device) -> Iterator[None]:
    """Within the block, the processes that torchrun started belong together; else nothing changes.

    Each takes the GPU of its local rank.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or dist.is_initialized():
        yield
        return
    if device.type == "mps":
        raise InputError("several processes cannot share an Apple GPU: use --device cpu")
    backend = "gloo"
    if device.type == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        backend = "cpu:gloo,cuda:nccl"
    dist.init_process_group(backend, timeout=PATIENCE)
    try:
        yield
    finally:
        dist.destroy_process_group()


def gather_ranks(own: Tensor, copies: int = 1) -> Tensor:
    """The rows of all processes, in the order of their ranks; each has as many.

    Where `copies` neighbouring processes have the same rows, these are there once.
    """
    if ranks() == 1:
        return own
    found = [torch.empty_like(own) for _ in range(ranks())]
    dist.all_gather(found, own.contiguous())
    return torch.cat(found[::copies])


def from_first_rank(tensor: Tensor) -> Tensor:
    """What process 0 has, in place: sums may round differently on another kind of processor."""
    if ranks() > 1:
        dist.broadcast(tensor, src=0)
    return tensor


def any_rank(flag: bool) -> bool:
    """Whether the flag is set in any process."""
    if ranks() == 1:
        return flag
    found = torch.tensor(int(flag))
    dist.all_reduce(found, dist.ReduceOp.MAX)
    return bool(found)


def first_rank_does(work: Callable[[], Any]) -> Any:
    """The result of `work`, which process 0 does while the others wait; its errors reach them."""
    if ranks() == 1:
        return work()
    outcome: list[Any] = [None, None]
    if rank() == 0:
        try:
            outcome[0] = work()
        except (InputError, OSError) as error:
            outcome[1] = error
    dist.broadcast_object_list(outcome, src=0)
    if outcome[1] is not None:
        raise outcome[1]
    return outcome[0]


def resolve_mode(parallel: Parallel, objective: nn.Module) -> Literal["one", "ddp", "fsdp"]:
    """How this objective is spread over the processes there are."""
    if ranks() == 1:
        return "one"
    if parallel.tensor > 1:
        return "fsdp"
    if parallel.mode == "auto":
        trained = sum(p.numel() for p in objective.parameters() if p.requires_grad)
        return "fsdp" if trained >= LARGE else "ddp"
    return parallel.mode


def copy_from_first(objective: nn.Module) -> None:
    """Give every process the parameters of the first, in place."""
    for parameter in objective.parameters():
        from_first_rank(parameter.detach())


def average_gradients(objective: nn.Module) -> None:
    """Replace every gradient by its mean over the processes, each of which has the same ones.

    In one piece, so that all sums are made in the same order in every step. DistributedDataParallel
    settles for an order of its own after its first step; where more than two processes add up, a
    resumed run would not be the same to the bit.
    """
    average([p.grad for p in objective.parameters() if p.grad is not None])


def average(tensors: Sequence[Tensor], group: dist.ProcessGroup | None = None) -> None:
    """Replace each tensor by its mean over the processes of a group (all, if not given), in place.

    They travel in one piece.
    """
    mean = torch.cat([tensor.flatten() for tensor in tensors])
    dist.all_reduce(mean, group=group)
    mean /= dist.get_world_size(group)
    for tensor, piece in zip(tensors, mean.split([t.numel() for t in tensors]), strict=True):
        tensor.copy_(piece.view_as(tensor))


def st_blocks(model: nn.Module) -> list[STBlock]:
    """The ST blocks of a model, which is what it is spread and recomputed by."""
    return [module for module in model.modules() if isinstance(module, STBlock)]


def shard(objective: nn.Module, device: torch.device, mesh: DeviceMesh | None = None) -> None:
    """Spread parameters over the processes with FSDP2, in place: every ST block, then the rest.

    On a GPU blocks compute in bfloat16, while parameters, gradients and sums stay in float32.

    Raises:
        InputError: for a codebook that learns by gradient, which has to be whole.
    """
    if any(name.endswith("codebook") for name, _ in objective.named_parameters()):
        raise InputError(
            "a codebook that learns by gradient cannot be sharded: use an EMA codebook, or ddp"
        )
    mesh = mesh or init_device_mesh(device.type, (ranks(),))
    policy = MixedPrecisionPolicy()
    if device.type == "cuda":
        policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    # A block also returns its values for a cache, as views; nothing writes into them.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view")
    for block in st_blocks(objective):
        fully_shard(block, mesh=mesh, mp_policy=policy)
    fully_shard(objective, mesh=mesh, mp_policy=policy)


def set_activation_checkpointing(objective: nn.Module, enabled: bool) -> None:
    """Let ST blocks compute their activations again in the backward pass, or keep them."""
    for block in st_blocks(objective):
        block.__dict__.pop("forward", None)
        if enabled:
            once = partial(checkpoint, block.forward, use_reentrant=False, preserve_rng_state=False)
            block.__dict__["forward"] = once


def full_tensor(tensor: Tensor) -> Tensor:
    """A sharded tensor put together from all processes; any other as it is."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def placed_like(value: Tensor, like: Tensor) -> Tensor:
    """A whole tensor, which every process has, on the device and in the shards of `like`."""
    if not isinstance(like, DTensor) or isinstance(value, DTensor):
        return value.to(like.device)
    value = value.to(like.device_mesh.device_type)
    return distribute_tensor(value, like.device_mesh, like.placements, src_data_rank=None)


@dataclass(frozen=True)
class Footprint:
    """Bytes of one process that trains a sharded model, without activations."""

    parameters: int
    """Parameters of the model, all of it."""
    state: int
    """Parameters, gradients, two moments and the average, in float32: this process's shard."""
    gathered: int
    """The two largest blocks in bfloat16, whole: one computes while the next arrives."""


def footprint(build: Callable[[], nn.Module], processes: int) -> Footprint:
    """What `build()` takes from one of many processes, found without allocating any of it.

    The model is laid out on the meta device and sharded over processes that do not exist.
    """
    from torch.testing._internal.distributed.fake_pg import FakeStore  # registers "fake"

    dist.init_process_group("fake", store=FakeStore(), rank=0, world_size=processes)
    try:
        with torch.device("meta"):
            model = build()
        blocks = sorted(sum(p.numel() for p in b.parameters()) for b in st_blocks(model))
        count = sum(p.numel() for p in model.parameters())
        cpu = torch.device("cpu")
        shard(model, cpu, init_device_mesh("cpu", (processes,)))
        local = sum(p.to_local().numel() for p in model.parameters() if isinstance(p, DTensor))
        return Footprint(count, 5 * 4 * local, 2 * sum(blocks[-2:]))
    finally:
        dist.destroy_process_group()

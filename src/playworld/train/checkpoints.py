"""Checkpoints of a run: copied at once, written beside the training, read by any number of ranks.

One process, or many with a copy of the model each, write safetensors. Shards of a model are written
by torch.distributed.checkpoint, whose index is a pickle (`playworld.train.shards_index` reads it
without running what it may hold); what is played of such a model lies beside them as safetensors.
"""

import json
import logging
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.tensor import DTensor

from playworld.atomic import cannot_save, new_folder
from playworld.config import InputError
from playworld.manifest import (
    MANIFEST,
    Folder,
    own_files,
    params_sha256,
    read_folder,
    record_of,
    remove_folder,
    write_folder,
    write_manifest,
)
from playworld.train.distributed import first_rank_does, full_tensor, rank, ranks
from playworld.train.shards_index import IndexReader

logger = logging.getLogger(__name__)

PARTS = ("model", "average", "optimizer")
STATE = "state.json"
OURS = (MANIFEST, STATE, "model.safetensors", ".metadata")
"""Files of a checkpoint: a folder with one of them is one, whole or not."""
WEIGHTS = "weights.safetensors"
"""Beside shards: buffers and averaged weights of the whole model, which is all that play needs."""
KEPT = 2
Parts = Mapping[str, Mapping[str, Tensor]]
"""Named tensors of the model, of its average, and of the optimizer."""


def checkpoints(run: Path) -> list[Path]:
    """Checkpoint folders of a run, oldest first; damaged ones count, other folders do not."""
    found = (p for p in run.glob("step-*") if p.name[5:].isdigit())
    return sorted(p for p in found if any((p / name).is_file() for name in OURS))


def last_step(run: Path) -> int | None:
    """After how many steps the newest checkpoint was written; None where there is none."""
    found = checkpoints(run)
    return int(found[-1].name[5:]) if found else None


def newest(run: Path) -> Folder | None:
    """The newest checkpoint that is whole, compared with its sha256 by process 0 for all.

    Raises:
        InputError: where there are checkpoints and none of them is whole.
    """

    def find() -> Folder | None:
        damage = []
        for path in reversed(checkpoints(run)):
            try:
                folder = read_folder(path)
                folder.json(STATE)
                break
            except (InputError, OSError) as error:
                damage.append(str(error))
        else:
            if damage:
                raise InputError(
                    f"no checkpoint in {run} is whole ({'; '.join(damage)}): bring one back from a "
                    f"copy, or remove {run} to begin again"
                )
            return None
        for line in damage:
            logger.warning("%s; falling back to the checkpoint before", line)
        return folder

    return first_rank_does(find)


def remove_checkpoints(run: Path) -> None:
    """Remove all checkpoints of a stage, but for what others have put into their folders."""
    for path in checkpoints(run):
        remove_folder(path)


class Saver:
    """Writes the checkpoints of one run in a thread, one at a time, while training goes on."""

    def __init__(self, run: Path, sharded: bool):
        self.run, self.sharded = run, sharded
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="playworld-save")
        self._pending: Future[None] | None = None
        # What a thread says to the others must not mix with what training says.
        self._group = dist.new_group(backend="gloo") if sharded else None

    def save(self, step: int, parts: Parts, config: dict[str, Any]) -> None:
        """Copy the tensors and start to write them; waits for the save before, if need be.

        Raises:
            OSError: if the save before failed; it names the path and the bytes needed.
        """
        self.wait()
        path, state = self.run / f"step-{step:08d}", {"step": step, "config": config}
        if self.sharded:
            write = self._copy_shards(path, parts, state)
        elif rank() == 0:
            copies = {name: _copied(tensors) for name, tensors in parts.items()}

            def write() -> None:
                _write_whole(path, copies, state)
        else:
            return
        self._pending = self._thread.submit(self._then_prune, write, path)

    def check(self) -> None:
        """Raise what a save that has ended by now failed with."""
        if self._pending is not None and self._pending.done():
            self.wait()

    def wait(self) -> None:
        """Until nothing is being written; raises what that save failed with."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def close(self) -> None:
        """Wait for a save under way; an error of it is only logged, as one is on its way up."""
        try:
            self.wait()
        except OSError as error:
            logger.error("%s", error)
        self._thread.shutdown()

    def _then_prune(self, write: Callable[[], None], saved: Path) -> None:
        write()
        if rank() != 0:
            return
        found = checkpoints(self.run)
        # Later ones than this were damaged, or training would have gone on from them.
        later = [path for path in found if path.name > saved.name]
        for old in [path for path in found if path not in later][:-KEPT] + later:
            with suppress(OSError, InputError):  # one that stays does no harm
                remove_folder(old)

    def _copy_shards(self, path: Path, parts: Parts, state: dict[str, Any]) -> Callable[[], None]:
        """Start to write this process's shards; what is returned waits for all, and commits."""
        stack = ExitStack()
        begun = first_rank_does(lambda: stack.enter_context(new_folder(path, own_files)))
        tensors = {f"{part}/{name}": t for part in PARTS for name, t in parts[part].items()}
        needed = sum(_local(t).nbytes for t in tensors.values())
        played = _gathered({**parts["model"], **parts["average"]})
        writer = dcp.FileSystemWriter(begun, sync_files=True)
        saving = dcp.async_save(tensors, storage_writer=writer, process_group=self._group)

        assert isinstance(saving, Future)

        def finish() -> None:
            with stack:
                try:
                    saving.result()
                    own = {p.name: record_of(p) for p in begun.glob(f"__{rank()}_*")}
                    files: list[Any] = [None] * ranks()
                    dist.all_gather_object(files, own, group=self._group)
                    if rank() == 0:
                        (begun / STATE).write_text(json.dumps(state, indent=2))
                        safetensors.torch.save_file(played, begun / WEIGHTS)
                        for name in (STATE, WEIGHTS, ".metadata"):
                            files.append({name: record_of(begun / name)})
                        write_manifest(begun, {k: v for one in files for k, v in one.items()})
                except (OSError, CheckpointException, safetensors.SafetensorError) as error:
                    raise cannot_save(path, needed, error) from error

        return finish


def _write_whole(path: Path, parts: Parts, state: dict[str, Any]) -> None:
    state = state | {"params_sha256": params_sha256(parts["model"])}
    write_folder(
        path,
        {f"{name}.safetensors": tensors for name, tensors in parts.items()},
        {STATE: state},
    )


def _gathered(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Whole copies on the CPU of process 0, one after the other; nothing in the other processes."""
    found = {}
    for name, tensor in tensors.items():
        gathered = full_tensor(tensor.detach())
        if rank() == 0:
            found[name] = gathered.to("cpu", copy=True).contiguous()
    return found


def _copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}


def _local(tensor: Tensor) -> Tensor:
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def read_parts(folder: Folder, like: Mapping[str, Tensor] | None = None) -> dict[str, dict]:
    """The tensors of a checkpoint by part and name, written by however many processes.

    Args:
        folder: a checkpoint.
        like: parameters by name. Where one is sharded, shards of it (its average, its moments) are
            read as they are needed here; everything else is whole and on the CPU.
    """
    if "model.safetensors" in folder.names:
        return {part: folder.tensors(f"{part}.safetensors") for part in PARTS}
    reader = IndexReader(folder.path)
    wanted = {}
    for key, meta in reader.read_metadata().state_dict_metadata.items():
        assert isinstance(meta, TensorStorageMetadata)
        part, _, name = key.partition("/")
        owner = (like or {}).get(name.rpartition("/")[0] if part == "optimizer" else name)
        if isinstance(owner, DTensor) and owner.shape == meta.size:
            wanted[key] = torch.empty_like(owner, dtype=meta.properties.dtype)
        else:
            wanted[key] = torch.empty(meta.size, dtype=meta.properties.dtype)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")  # as is meant
        dcp.load(wanted, storage_reader=reader, no_dist=ranks() == 1)
    parts: dict[str, dict] = {part: {} for part in PARTS}
    for key, tensor in wanted.items():
        part, _, name = key.partition("/")
        parts[part][name] = tensor
    return parts


def played_weights(folder: Folder, trusted: bool = False) -> dict[str, Tensor]:
    """Buffers and averaged weights of a checkpoint, whole and on the CPU.

    Args:
        folder: a checkpoint, perhaps from a stranger.
        trusted: whether shards may be read, whose index is a pickle.

    Raises:
        InputError: where they lie in shards alone, and not `trusted`.
    """
    if WEIGHTS in folder.names:
        return folder.tensors(WEIGHTS)
    if "model.safetensors" not in folder.names and not trusted:
        raise InputError(
            f"{folder.path} has no {WEIGHTS}, only shards with a pickle for an index: if you trust "
            "whoever made this run, say --trust-run"
        )
    parts = read_parts(folder)
    return parts["model"] | parts["average"]

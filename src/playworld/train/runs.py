"""The folder of a run: where it lies, what it was begun with, and its finished tokenizer."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from playworld.atomic import alone, cache_folder, folder_at, write_whole
from playworld.config import InputError, to_dict
from playworld.data.clips.shards import read_json
from playworld.manifest import load_into, read_folder, write_folder
from playworld.models.base import Tokenizer
from playworld.models.kinds import AnyTokenizerConfig, build_tokenizer
from playworld.train.checkpoints import remove_checkpoints
from playworld.train.distributed import first_rank_does
from playworld.train.recipe import Recipe
from playworld.world.folder import WorldConfig

RENAMED = {"warm_share": "warmup_fraction"}
"""Fields of inputs that older runs stored by another name."""
FINISHED = "finished-tokenizer"
"""Folder of a run that holds its tokenizer once that is trained."""


def default_run(world: Path, source: Path, recipe: str, option: str | None = "--run") -> Path:
    """The default folder of a run: in the user's cache, one for each set of inputs.

    Raises:
        InputError: where the cache cannot be written; names the `option` that does without it.
    """
    inputs = f"{world.resolve()} {source.resolve()} {recipe}"
    mark = hashlib.sha256(inputs.encode()).hexdigest()[:8]
    name = world.resolve().name
    if len(os.fsencode(name)) > 200:  # a file system's limit is 255 bytes
        name = name[:40]
    return cache_folder(option) / "runs" / f"{name}-{mark}"


def check_resume_inputs(run: Path, inputs: Mapping[str, Any]) -> None:
    """Make the folder of a stage, or check that it was begun with these inputs.

    Raises:
        InputError: naming the inputs that differ.
    """
    given = {"format of weights": WorldConfig.format} | {**inputs}
    first_rank_does(lambda: _check_resume_inputs(run, given))


@contextmanager
def only_training(run: Path) -> Iterator[None]:
    """Within the block no other process trains in this folder; in a group the first one sees to it.

    Raises:
        InputError: where another process does.
    """
    busy = f"{run} is being trained by another process: wait for it, or choose another --run"
    with ExitStack() as stack:
        first_rank_does(lambda: stack.enter_context(alone(run, busy)))
        yield


def other_inputs(folder: Path, inputs: Mapping[str, Any]) -> list[str]:
    """Names of the inputs that a folder was begun with otherwise; a new one is begun with these."""
    path = folder / "inputs.json"
    if not path.exists():
        folder_at(folder)
        write_whole(path, json.dumps(inputs, indent=2))
        return []
    known, given = _with_new_names(read_json(path)), json.loads(json.dumps(inputs))
    return [key for key in given | known if known.get(key) != given.get(key)]


def _with_new_names(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {RENAMED.get(key, key): _with_new_names(item) for key, item in value.items()}


def _check_resume_inputs(run: Path, inputs: Mapping[str, Any]) -> None:
    other = other_inputs(run, inputs)
    if other:
        raise InputError(
            f"{run} was begun with another {', another '.join(other)}; choose another --run, or "
            "remove it to start again"
        )


def reset_stage(folder: Path) -> None:
    """Let a stage begin anew: what it was begun with, its log and its checkpoints are removed."""
    remove_checkpoints(folder)
    for name in ("inputs.json", "metrics.jsonl"):
        (folder / name).unlink(missing_ok=True)


def save_tokenizer(run: Path, tokenizer: Tokenizer) -> None:
    """Store a tokenizer that is trained."""
    weights, shape = tokenizer.state_dict(), _shape(tokenizer.config)
    first_rank_does(
        lambda: write_folder(
            run / FINISHED, {"tokenizer.safetensors": weights}, {"config.json": shape}
        )
    )


def _shape(config: AnyTokenizerConfig) -> dict[str, Any]:
    return to_dict(config) | {"format": WorldConfig.format}


def finished_tokenizer(recipe: Recipe, run: Path) -> Tokenizer:
    """The tokenizer that an earlier call with this run trained to its end."""
    if not (run / FINISHED).exists():
        raise InputError(
            f"--stage world needs a tokenizer: {run} has none that is finished; train it first "
            "with --stage tokenizer, or name a world to start from with --from"
        )
    folder = read_folder(run / FINISHED)
    if folder.json("config.json") != _shape(recipe.tokenizer):
        raise InputError(
            f"{run} holds a tokenizer of another shape or an older version; use the preset it was "
            "made with, or choose another --run"
        )
    tokenizer = build_tokenizer(recipe.tokenizer)
    load_into(tokenizer, folder.tensors("tokenizer.safetensors"), str(run / FINISHED))
    return tokenizer

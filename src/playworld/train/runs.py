"""The folder of a run: where it lies, what it was begun with, and its finished tokenizer."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playworld.atomic import write_whole
from playworld.checkpoint import load_into, read_folder, write_folder
from playworld.config import InputError, to_dict
from playworld.data.simulator import cache_folder
from playworld.models.tokenizer import TokenizerConfig, VideoTokenizer
from playworld.train.distributed import first_rank_does
from playworld.train.recipe import Recipe
from playworld.world.folder import WorldConfig

FINISHED = "finished-tokenizer"
"""Folder of a run that holds its tokenizer once that is trained."""


def default_run(world: Path, source: Path, recipe: str) -> Path:
    """Where a run lies unless told otherwise: in the user's cache, one for each set of inputs."""
    inputs = f"{world.resolve()} {source.resolve()} {recipe}"
    mark = hashlib.sha256(inputs.encode()).hexdigest()[:8]
    return cache_folder() / "runs" / f"{world.resolve().name}-{mark}"


def claim(run: Path, inputs: Mapping[str, Any]) -> None:
    """Make a stage's folder, or raise InputError if it was begun with other inputs than these."""
    first_rank_does(lambda: _claim(run, {"format of weights": WorldConfig.format} | {**inputs}))


def other_inputs(folder: Path, inputs: Mapping[str, Any]) -> list[str]:
    """Names of the inputs that a folder was begun with otherwise; a new one is begun with these."""
    path = folder / "inputs.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(inputs, indent=2))
        return []
    known, given = json.loads(path.read_text()), json.loads(json.dumps(inputs))
    return [key for key in given | known if known.get(key) != given.get(key)]


def _claim(run: Path, inputs: Mapping[str, Any]) -> None:
    other = other_inputs(run, inputs)
    if other:
        raise InputError(
            f"{run} was begun with another {', another '.join(other)}; choose another --run, or "
            "remove it to start again"
        )


def keep_tokenizer(run: Path, tokenizer: VideoTokenizer) -> None:
    """Store a tokenizer that is trained."""
    weights, shape = tokenizer.state_dict(), _shape(tokenizer.config)
    first_rank_does(
        lambda: write_folder(
            run / FINISHED, {"tokenizer.safetensors": weights}, {"config.json": shape}
        )
    )


def _shape(config: TokenizerConfig) -> dict[str, Any]:
    return to_dict(config) | {"format": WorldConfig.format}


def finished_tokenizer(recipe: Recipe, run: Path) -> VideoTokenizer:
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
    tokenizer = VideoTokenizer(recipe.tokenizer)
    load_into(tokenizer, folder.tensors("tokenizer.safetensors"), str(run / FINISHED))
    return tokenizer

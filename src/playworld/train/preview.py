"""The world of a run that is still training: its newest checkpoint, ready to play."""

import logging
from collections.abc import Mapping
from pathlib import Path

import torch

from playworld.config import InputError, to_dict
from playworld.manifest import load_into, write_folder
from playworld.models.actions import LatentActionModel
from playworld.models.kinds import build_dynamics, build_tokenizer
from playworld.train.checkpoints import checkpoints, newest, played_weights
from playworld.world import folder as files
from playworld.world.world import World

logger = logging.getLogger(__name__)

PREVIEW = "preview"
"""Folder of a run with what its checkpoints lack: config, tokenizer and prompts."""


def write_preview(run: Path, world: World, prompts: Mapping[str, bytes]) -> None:
    """Store what makes a checkpoint of the run's world stage playable."""
    write_folder(
        run / PREVIEW,
        {files.TOKENIZER_FILE: world.tokenizer.state_dict()},
        {files.CONFIG_FILE: to_dict(world.config)}
        | {f"{files.PROMPTS_FOLDER}/{name}.png": png for name, png in prompts.items()},
    )


def is_run(path: Path) -> bool:
    """Whether this is the folder of a run, which `world_of_run` opens, and not of a world."""
    return any((path / part).is_dir() for part in (PREVIEW, "tokenizer", "world"))


def world_of_run(run: Path, trusted: bool = False) -> World:
    """The world of the newest whole checkpoint, with averaged weights; the run may go on meanwhile.

    Nothing is unpickled unless the run is `trusted`.

    Raises:
        InputError: if the run has come to no checkpoint of its world yet, or if the weights lie in
            shards alone and it is not trusted.
    """
    if not (run / PREVIEW).is_dir() or not checkpoints(run / "world"):
        raise InputError(
            f"{run} has no world to play yet: its first checkpoint comes some steps after the "
            "tokenizer is trained (--save-every)"
        )
    folder = files.read_folder(run / PREVIEW)
    config = files.read_config(folder)
    tokenizer = files.read_model(build_tokenizer, config.tokenizer, folder, files.TOKENIZER_FILE)
    checkpoint = newest(run / "world")
    if checkpoint is None:
        raise InputError(f"{run / 'world'} has no checkpoint that is whole")
    weights = played_weights(checkpoint, trusted)
    with torch.device("meta"):
        actions, dynamics = LatentActionModel(config.actions), build_dynamics(config.dynamics)
    for name, model in (("actions", actions), ("dynamics", dynamics)):
        own = {k.partition(".")[2]: t for k, t in weights.items() if k.startswith(f"{name}.")}
        load_into(model, own, str(checkpoint.path))
        model.eval()
    logger.info("playing step %d", int(checkpoint.path.name.partition("-")[2]))
    return World(config, tokenizer, actions, dynamics, prompts=files.read_prompts(folder, config))

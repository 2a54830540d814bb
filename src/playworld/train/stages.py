"""From clips to a world: tokenizer, token cache, then latent actions and dynamics together."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
import tyro

from playworld.checkpoint import (
    load_into,
    params_sha256,
    read_folder,
    refuse_foreign,
    write_folder,
)
from playworld.config import InputError, to_dict
from playworld.data.clips import ClipDataset, batches
from playworld.data.simulator import cache_folder
from playworld.data.tokens import TokenStore
from playworld.models.actions import LatentActionModel
from playworld.models.dynamics import Dynamics
from playworld.models.tokenizer import VideoTokenizer
from playworld.train.distributed import Parallel, first_rank_does, processes, rank, ranks
from playworld.train.furnish import (
    choose_prompts,
    first_card,
    fit_prompts,
    held_out,
    name_buttons,
    read_pictures,
)
from playworld.train.log import weights_and_biases
from playworld.train.loop import Clips, Progress, Source, fit
from playworld.train.objectives import TokenizerObjective, WorldObjective
from playworld.train.optim import StageConfig
from playworld.train.pictures import action_grid, reconstructions
from playworld.train.preview import write_preview
from playworld.train.recipe import Recipe
from playworld.train.token_cache import token_cache
from playworld.world.folder import WorldConfig
from playworld.world.world import World

FINISHED = "finished-tokenizer"
"""Folder of a run that holds its tokenizer once that is trained."""


@dataclass(frozen=True)
class TrainOptions:
    """Options of `playworld train`."""

    stage: Literal["all", "tokenizer", "world"] = "all"
    """Both stages, or one of them; `world` takes the tokenizer of an earlier run or of --from."""
    tokens: Literal["cache", "live"] = "cache"
    """Tokenize every frame once, or every clip anew (exact if the encoder looks back in time)."""
    name: str | None = None
    """What the world is called; the preset's name if not given."""
    start: Annotated[str | None, tyro.conf.arg(name="from")] = None
    """Continue from, or fine-tune, this world: a folder, or a built-in name such as coinrun."""
    run: Path | None = None
    """Where checkpoints and logs go; a folder in the user's cache, after WORLD, if not given."""
    tokenizer_steps: int | None = None
    """Steps of the tokenizer, instead of the preset's."""
    world_steps: int | None = None
    """Steps of latent actions and dynamics, instead of the preset's."""
    batch_size: int | None = None
    """Clips per step in both stages, instead of the preset's."""
    learning_rate: float | None = None
    """Peak learning rate in both stages, instead of the preset's; Muon's changes in proportion."""
    masking: Literal["history", "prefix", "paper"] | None = None
    """What a hidden frame sees of its past, instead of the preset's choice (docs/train.md)."""
    prompts: Path | None = None
    """Folder of pictures that become prompts beside held-out frames."""
    seed: int = 0
    """Seed of weights, clip order, masks and noise."""
    device: str = "auto"
    """cpu, cuda, or auto: the GPU if there is one."""
    parallel: Literal["auto", "ddp", "fsdp"] = "auto"
    """Under torchrun: the model whole in every process, or sharded; auto shards the large ones."""
    accumulate: int = 1
    """Parts of a process's batch that go through the model one after the other, to save memory."""
    recompute: bool = False
    """Compute activations twice instead of keeping them, to save more."""
    wandb: str | None = None
    """Log to this project of Weights & Biases as well; needs the package wandb."""

    def __post_init__(self) -> None:
        for name in ("tokenizer_steps", "world_steps", "batch_size", "accumulate"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, got {value}")

    def spread(self) -> Parallel:
        """How a step is spread over processes and time."""
        return Parallel(self.parallel, self.accumulate, self.recompute)

    def applied_to(self, recipe: Recipe) -> Recipe:
        """The recipe with what the user asked for."""

        def changed(stage: StageConfig, steps: int | None) -> StageConfig:
            rate = self.learning_rate or stage.learning_rate
            muon = stage.muon_rate and stage.muon_rate * rate / stage.learning_rate
            return replace(
                stage,
                steps=steps or stage.steps,
                batch_size=self.batch_size or stage.batch_size,
                learning_rate=rate,
                muon_rate=muon,
                seed=self.seed,
            )

        loss = recipe.world_loss
        return replace(
            recipe,
            tokenizer_stage=changed(recipe.tokenizer_stage, self.tokenizer_steps),
            world_stage=changed(recipe.world_stage, self.world_steps),
            world_loss=replace(loss, masking=self.masking) if self.masking else loss,
        )


def train_world(
    recipe: Recipe,
    clips: Path,
    world: Path,
    options: TrainOptions,
    progress: Callable[[str], Progress] | None = None,
) -> World | None:
    """Train the stages that are asked for and write the world; None if it is not complete yet.

    The same call goes on where an interrupted one stopped.

    Args:
        recipe: what to train; adapted to the size of the clips.
        clips: folder that `ingest` wrote.
        world: folder to write.
        options: see TrainOptions.
        progress: from the name of a stage to its progress callback.

    Raises:
        InputError: for clips or a world that cannot be used.
        Preempted, NonFinite, Collapsed: see `playworld.train.loop.fit`.
    """
    if options.wandb:
        weights_and_biases()  # said before the training, not after a first stage
    device = choose_device(options.device)
    with processes(device):
        return _train_world(recipe, clips, world, options, device, progress)


def _train_world(recipe, clips, world, options, device, progress) -> World | None:
    recipe = options.applied_to(recipe)
    refuse_foreign(world)
    trainset = ClipDataset(clips, "train", recipe.tokenizer_stage.clip_length)
    base = World.load(options.start) if options.start is not None else None
    recipe = _fit_recipe(recipe, base, trainset)
    run = options.run or default_run(world, clips, recipe.name)
    pictures = read_pictures(options.prompts) if options.prompts else {}
    told = progress or (lambda stage: None)

    if options.stage != "world":
        tokenizer = _train_tokenizer(recipe, trainset, clips, options, run, device, told, base)
    else:
        tokenizer = base.tokenizer if base is not None else _finished_tokenizer(recipe, run)
    if options.stage == "tokenizer":
        return None
    made = _train_dynamics(recipe, clips, options, run, device, told, tokenizer.to(device), base)

    how = f"{recipe.tokenizer_stage.steps:,} + {recipe.world_stage.steps:,} steps"
    if base is not None:
        how += f", from {base.config.name}"

    def publish() -> None:
        named = name_buttons(made, clips)
        prompts = choose_prompts(clips) | fit_prompts(named, pictures)
        named.save(world, first_card(named, recipe.name, clips, how), prompts)

    first_rank_does(publish)
    return World.load(world, device)


def _train_tokenizer(recipe, dataset, clips, options, run, device, told, base) -> VideoTokenizer:
    stage = recipe.tokenizer_stage
    inputs = {
        "clips": dataset.sha256,
        "tokenizer": to_dict(recipe.tokenizer),
        "loss": to_dict(recipe.tokenizer_loss),
        "world to start from": params_sha256(base.tokenizer.state_dict()) if base else None,
    }
    claim(run / "tokenizer", inputs)
    torch.manual_seed(stage.seed)
    tokenizer = VideoTokenizer(recipe.tokenizer)
    if base is not None:
        tokenizer.load_state_dict(base.tokenizer.state_dict())
    objective = TokenizerObjective(tokenizer, recipe.tokenizer_loss)
    clip = held_out(clips, 4, min(8, stage.clip_length))
    fit(objective, _clip_source(dataset, stage), stage, run / "tokenizer", "tokenizer", device,
        told("tokenizer"), lambda: {"clips": reconstructions(tokenizer, clip)},
        options.spread(), options.wandb)  # fmt: skip
    weights, shape = tokenizer.state_dict(), to_dict(recipe.tokenizer)
    first_rank_does(
        lambda: write_folder(
            run / FINISHED, {"tokenizer.safetensors": weights}, {"config.json": shape}
        )
    )
    return tokenizer


def _finished_tokenizer(recipe: Recipe, run: Path) -> VideoTokenizer:
    """The tokenizer that an earlier call with this run trained to its end."""
    if not (run / FINISHED).exists():
        raise InputError(
            f"--stage world needs a tokenizer: {run} has none that is finished; train it first "
            "with --stage tokenizer, or name a world to start from with --from"
        )
    folder = read_folder(run / FINISHED)
    if folder.json("config.json") != to_dict(recipe.tokenizer):
        raise InputError(
            f"{run} holds a tokenizer of another shape; use the preset it was made with"
        )
    tokenizer = VideoTokenizer(recipe.tokenizer)
    load_into(tokenizer, folder.tensors("tokenizer.safetensors"), str(run / FINISHED))
    return tokenizer


def _train_dynamics(recipe, clips, options, run, device, told, tokenizer, base) -> World:
    stage = recipe.world_stage
    dataset = ClipDataset(clips, "train", stage.clip_length)
    torch.manual_seed(stage.seed + 1)
    actions, dynamics = LatentActionModel(recipe.actions), Dynamics(recipe.dynamics)
    loss = recipe.world_loss
    if base is not None:
        actions.load_state_dict(base.actions.state_dict())
        dynamics.load_state_dict(base.dynamics.state_dict())
        loss = replace(loss, warm_share=0.0)  # its codes have a meaning already
    else:
        codes = torch.arange(recipe.dynamics.num_codes)
        book = tokenizer.cpu().quantizer.lookup(codes)
        dynamics.know_codes(book, torch.Generator().manual_seed(stage.seed))
        tokenizer.to(device)
    inputs = {
        "clips": dataset.sha256,
        "tokenizer": params_sha256(tokenizer.state_dict()),
        "latent action model": to_dict(recipe.actions),
        "dynamics model": to_dict(recipe.dynamics),
        "loss or masking": to_dict(loss),
        "--tokens": options.tokens,
        "world to start from": params_sha256(base.dynamics.state_dict()) if base else None,
    }
    claim(run / "world", inputs)
    objective = WorldObjective(actions, dynamics, tokenizer, loss)
    store = None
    if options.tokens == "cache":
        store = token_cache(dataset, tokenizer, run / "tokens", device, told("tokens"))
    config = WorldConfig(
        name=options.name or recipe.name,
        fps=dataset.fps,
        tokenizer=recipe.tokenizer,
        actions=recipe.actions,
        dynamics=recipe.dynamics,
        sampler=recipe.sampler,
    )
    world = World(config, tokenizer, actions, dynamics)
    first_rank_does(lambda: write_preview(run, world, choose_prompts(clips)))
    prompts = held_out(clips, 4, 1)
    fit(objective, _clip_source(dataset, stage, store), stage, run / "world", "world", device,
        told("world"), lambda: {"buttons": action_grid(world, prompts)},
        options.spread(), options.wandb)  # fmt: skip
    return world


def claim(run: Path, inputs: Mapping[str, Any]) -> None:
    """Make a stage's folder, or raise InputError if it was begun with other inputs than these."""
    first_rank_does(lambda: _claim(run, inputs))


def _claim(run: Path, inputs: Mapping[str, Any]) -> None:
    path = run / "inputs.json"
    if not path.exists():
        run.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(inputs, indent=2))
        part.replace(path)
        return
    known, given = json.loads(path.read_text()), json.loads(json.dumps(inputs))
    other = [key for key in given if known.get(key) != given[key]]
    if other:
        raise InputError(
            f"{run} was begun with another {', another '.join(other)}; choose another --run, or "
            "remove it to start again"
        )


def _fit_recipe(recipe: Recipe, base: World | None, dataset: ClipDataset) -> Recipe:
    """The recipe in the shape of the world to start from, or of the clips."""
    size = (dataset.height, dataset.width)
    if base is not None:
        if (base.height, base.width) != size:
            raise InputError(
                f"the world to start from has frames of {base.width}x{base.height}, the clips have "
                f"{size[1]}x{size[0]}; ingest again with --size {base.width}x{base.height}"
            )
        own = base.config
        shapes: dict[str, Any] = {
            "tokenizer": own.tokenizer,
            "actions": own.actions,
            "dynamics": own.dynamics,
        }
        try:
            return replace(recipe, **shapes)
        except ValueError as error:
            raise InputError(f"{own.name!r} cannot be trained so: {error}") from error
    try:
        return recipe.resized(*size)
    except ValueError as error:
        raise InputError(
            f"clips of {size[1]}x{size[0]} do not fit {recipe.name!r}: {error}"
        ) from error


def _clip_source(
    dataset: ClipDataset, stage: StageConfig, store: TokenStore | None = None
) -> Source:
    """This process's batches of video, and of the same frames' tokens where they are cached."""
    share = stage.batch_size // ranks()

    def source(start: int) -> Iterator[Clips]:
        for ids, video in batches(dataset, share, stage.seed, rank(), ranks(), start):
            tokens = None
            if store is not None:
                found = [store.read(i.scene, i.start, stage.clip_length) for i in ids]
                tokens = torch.from_numpy(np.stack(found))
            yield Clips(torch.tensor(ids), video, tokens)

    return source


def choose_device(name: str) -> torch.device:
    """The device that was asked for; auto takes the GPU if there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda"):
        raise InputError(f"device must be cpu, cuda or auto, got {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError(
            "device cuda was asked for, but PyTorch finds no GPU here; use --device cpu"
        )
    return torch.device(name)


def default_run(world: Path, source: Path, recipe: str) -> Path:
    """Where a run lies unless told otherwise: in the user's cache, one for each set of inputs."""
    inputs = f"{world.resolve()} {source.resolve()} {recipe}"
    mark = hashlib.sha256(inputs.encode()).hexdigest()[:8]
    return cache_folder() / "runs" / f"{world.resolve().name}-{mark}"

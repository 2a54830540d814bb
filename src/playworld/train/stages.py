"""From clips to trained models: tokenizer, token cache, then latent actions and dynamics."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from playworld.config import InputError, to_dict
from playworld.data.clips.dataset import ClipDataset, batches
from playworld.data.clips.token_store import TokenStore
from playworld.manifest import params_sha256, refuse_foreign
from playworld.models.actions import LatentActionModel
from playworld.models.base import Tokenizer
from playworld.models.dynamics import Dynamics
from playworld.models.flops import on_meta
from playworld.models.kinds import build_dynamics, build_tokenizer
from playworld.models.tokenizer import VideoTokenizer
from playworld.progress import ProgressFor
from playworld.train.checkpoints import last_step
from playworld.train.deadline import Deadline
from playworld.train.distributed import Parallel, first_rank_does
from playworld.train.loop import Clips, Source, fit
from playworld.train.objectives import Objective, tokenizer_objective, world_objective
from playworld.train.optim import StageConfig
from playworld.train.options import TrainOptions
from playworld.train.preview import write_preview
from playworld.train.preview_pictures import (
    action_grid,
    held_out,
    held_out_prompts,
    reconstructions,
    rollouts,
)
from playworld.train.recipe import Recipe
from playworld.train.runs import (
    check_resume_inputs,
    default_run,
    finished_tokenizer,
    save_tokenizer,
)
from playworld.train.tensor_parallel import refuse_uneven
from playworld.train.tokenize_clips import tokenize_clips
from playworld.world.folder import WEIGHT_FILES, WorldConfig
from playworld.world.world import World


@dataclass(frozen=True)
class TrainingJob:
    """What both stages have to know, checked before the first of them."""

    recipe: Recipe
    """In the shape of the clips, with what the user asked for."""
    clips: Path
    """Folder of clips."""
    options: TrainOptions
    """As given."""
    run: Path
    """Folder of the run."""
    device: torch.device
    """Where it is trained."""
    base: World | None
    """The world to start from."""
    progress_for: ProgressFor
    """From the name of a stage to its progress callback."""
    deadline: Deadline | None = None
    """By when each stage has to end."""

    @staticmethod
    def of(
        recipe: Recipe,
        clips: Path,
        world: Path,
        options: TrainOptions,
        device: torch.device,
        progress_for: ProgressFor,
        deadline: Deadline | None = None,
    ) -> "TrainingJob":
        """Fit a recipe to its clips, and to the world that it starts from.

        Raises:
            InputError: where they do not fit, or `world` is the folder of something else.
        """
        recipe = options.applied_to(recipe)
        refuse_foreign(world, WEIGHT_FILES)
        dataset = ClipDataset(clips, "train", recipe.tokenizer_stage.clip_length)
        base = World.load(options.start) if options.start is not None else None
        recipe = _fit_recipe(recipe, base, dataset)
        _refuse_uneven(recipe, options)
        run = options.run or default_run(world, clips, recipe.name)
        return TrainingJob(recipe, clips, options, run, device, base, progress_for, deadline)

    def history(self) -> str:
        """How the world is made, for its card."""
        tokenizer = last_step(self.run / "tokenizer") or self.recipe.tokenizer_stage.steps
        world = last_step(self.run / "world") or self.recipe.world_stage.steps
        if self.base is None:
            return f"{tokenizer:,} + {world:,} steps"
        both = "tokenizer" in self.options.stages()
        more = f"{tokenizer:,} + {world:,}" if both else f"{world:,}"
        return f"{more} steps more, from {self.base.config.name}"

    def fit(
        self,
        name: str,
        stage: StageConfig,
        objective: Objective,
        source: Source,
        pictures: Callable[[], dict[str, np.ndarray]],
    ) -> None:
        """Train one stage, in the folder of its name."""
        fit(objective, source, stage, self.run / name, name, self.device, self.progress_for(name),
            pictures, self.options.spread(), self.options.wandb, self.deadline)  # fmt: skip


def train_stages(job: TrainingJob) -> World | None:
    """Train the stages that are asked for; None if the world is not complete yet.

    The same job goes on where an interrupted one stopped. The world has no names of buttons and no
    prompts yet.

    Raises:
        InputError: for a run that was begun otherwise, or has no finished tokenizer.
        Preempted, NonFinite, Collapsed: see `playworld.train.loop.fit`.
    """
    stages = job.options.stages()
    if "tokenizer" in stages:
        tokenizer = _train_tokenizer(job)
    else:
        tokenizer = job.base.tokenizer if job.base else finished_tokenizer(job.recipe, job.run)
    return _train_dynamics(job, tokenizer.to(job.device)) if "world" in stages else None


def _train_tokenizer(job: TrainingJob) -> Tokenizer:
    recipe, stage, base = job.recipe, job.recipe.tokenizer_stage, job.base
    dataset = ClipDataset(job.clips, "train", stage.clip_length)
    inputs = {
        "clips": dataset.sha256,
        "tokenizer": to_dict(recipe.tokenizer),
        "loss": to_dict(recipe.tokenizer_loss),
        "world to start from": params_sha256(base.tokenizer.state_dict()) if base else None,
    }
    check_resume_inputs(job.run / "tokenizer", inputs)
    torch.manual_seed(stage.seed)
    tokenizer = build_tokenizer(recipe.tokenizer)
    if base is not None:
        tokenizer.load_state_dict(base.tokenizer.state_dict())
    objective = tokenizer_objective(tokenizer, recipe.tokenizer_loss)
    clip = held_out(job.clips, 4, min(8, stage.clip_length))
    source = _clip_source(dataset, stage, job.options.spread())
    job.fit("tokenizer", stage, objective, source,
            lambda: {"clips": reconstructions(tokenizer, clip)})  # fmt: skip
    save_tokenizer(job.run, tokenizer)
    return tokenizer


def _train_dynamics(job: TrainingJob, tokenizer: Tokenizer) -> World:
    recipe, stage, base = job.recipe, job.recipe.world_stage, job.base
    dataset = ClipDataset(job.clips, "train", stage.clip_length)
    torch.manual_seed(stage.seed + 1)
    actions, dynamics = LatentActionModel(recipe.actions), build_dynamics(recipe.dynamics)
    loss = recipe.world_loss
    if base is not None:
        actions.load_state_dict(base.actions.state_dict())
        dynamics.load_state_dict(base.dynamics.state_dict())
        loss = replace(loss, warmup_fraction=0.0)  # its codes have a meaning already
    elif isinstance(tokenizer, VideoTokenizer) and isinstance(dynamics, Dynamics):
        books = tokenizer.cpu().quantizer.codebooks
        dynamics.init_from_codebook(books, torch.Generator().manual_seed(stage.seed))
        tokenizer.to(job.device)
    inputs = {
        "clips": dataset.sha256,
        "tokenizer": params_sha256(tokenizer.state_dict()),
        "latent action model": to_dict(recipe.actions),
        "dynamics model": to_dict(recipe.dynamics),
        "loss or masking": to_dict(loss),
        "--tokens": job.options.tokens,
        "world to start from": params_sha256(base.dynamics.state_dict()) if base else None,
    }
    check_resume_inputs(job.run / "world", inputs)
    objective = world_objective(actions, dynamics, tokenizer, loss)
    store = None
    if job.options.tokens == "cache" and recipe.tokenizer.lookback is not None:
        folder = job.run / "tokens"
        store = tokenize_clips(dataset, tokenizer, folder, job.device, job.progress_for("tokens"))
    config = WorldConfig(
        name=job.options.name or recipe.name,
        fps=dataset.fps,
        tokenizer=recipe.tokenizer,
        actions=recipe.actions,
        dynamics=recipe.dynamics,
        sampler=recipe.sampler,
    )
    world = World(config, tokenizer, actions, dynamics)
    first_rank_does(lambda: write_preview(job.run, world, held_out_prompts(job.clips)))
    prompts = held_out(job.clips, 4, 1)
    longest = max(scene.num_frames for scene in dataset.scenes)
    clip = held_out(job.clips, 3, min(12, longest))
    source = _clip_source(dataset, stage, job.options.spread(), store)
    job.fit("world", stage, objective, source,
            lambda: {"buttons": action_grid(world, prompts),
                     "rollouts": rollouts(world, clip)})  # fmt: skip
    return world


def _refuse_uneven(recipe: Recipe, options: TrainOptions) -> None:
    """Refuse sizes of any stage that processes and parts do not divide, before the first stage."""
    parallel = options.spread()
    models: list[Callable[[], nn.Module]] = []
    if "tokenizer" in options.stages():
        parallel.share(recipe.tokenizer_stage.batch_size)
        models.append(lambda: build_tokenizer(recipe.tokenizer))
    if "world" in options.stages():
        parallel.share(recipe.world_stage.batch_size)
        models.append(lambda: LatentActionModel(recipe.actions))
        models.append(lambda: build_dynamics(recipe.dynamics))
    for build in models if parallel.tensor > 1 else []:
        refuse_uneven(on_meta(build), parallel)


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
    dataset: ClipDataset, stage: StageConfig, parallel: Parallel, store: TokenStore | None = None
) -> Source:
    """This worker's batches of video, and of the same frames' tokens where they are cached."""
    workers, worker = parallel.data_parallel_degree(), parallel.data_parallel_rank()
    share = stage.batch_size // workers

    def source(start: int) -> Iterator[Clips]:
        for ids, video in batches(dataset, share, stage.seed, worker, workers, start):
            tokens = None
            if store is not None:
                found = [store.read(i.scene, i.start, stage.clip_length) for i in ids]
                tokens = torch.from_numpy(np.stack(found))
            yield Clips(torch.tensor(ids), video, tokens)

    return source

"""How the loss falls with parameters, tokens and operations: dynamics of many sizes."""

import json
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from playworld.atomic import write_whole
from playworld.config import InputError, to_dict
from playworld.data.clips.dataset import ClipDataset, batches
from playworld.data.clips.token_store import TokenStore
from playworld.machine import choose_device
from playworld.models.dynamics import Dynamics, DynamicsConfig
from playworld.models.flops import BACKWARD, dynamics_flops, parameters
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import VideoTokenizer
from playworld.presets import SMALL
from playworld.progress import Progress, ProgressFor
from playworld.studies.options import ScaleOptions, shape_of
from playworld.train.objectives import Batch, DynamicsObjective
from playworld.train.optim import StageConfig
from playworld.train.recipe import Recipe
from playworld.train.runs import other_inputs
from playworld.train.tokenize_clips import tokenize_clips
from playworld.train.train_step import TrainState, clip_seed
from playworld.world import World

MARKS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Shares of the tokens after which the held-out loss is measured."""


@dataclass(frozen=True)
class ScaleRow:
    """One training: what is varied."""

    size: str
    batch_size: int
    seed: int = 0

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.size}-batch{self.batch_size}-{self.seed}"


def middle_size(options: ScaleOptions) -> str:
    """The size that is trained with all batches."""
    return sorted(options.sizes, key=lambda size: shape_of(size)[:2])[len(options.sizes) // 2]


def rows(options: ScaleOptions) -> list[ScaleRow]:
    """Every training of the study: sizes at one batch, then batches at the size in the middle."""
    middle = middle_size(options)
    once = [ScaleRow(size, options.batch_size) for size in options.sizes]
    once += [ScaleRow(middle, batch) for batch in options.batches]
    return [replace(row, seed=seed) for seed in range(options.seeds) for row in dict.fromkeys(once)]


def scale(
    clips: Path, out: Path, options: ScaleOptions, progress_for: ProgressFor, base: Recipe = SMALL
) -> list[dict[str, Any]]:
    """Train every row of the study; the same call goes on where an older one stopped.

    Tokens and latent actions come from a finished world, so that rows differ in their dynamics
    only. Rates do not fall at the end: averaged weights (the last tenth of the steps so far) are
    measured at several shares of the tokens, so that one row stands for several lengths of
    training.

    Args:
        clips: folder that `playworld ingest` wrote, in the world's size.
        out: folder for rows and tokens; `read_rows` reads those that are there.
        options: see ScaleOptions.
        progress_for: from the name of a row to its progress callback.
        base: recipe whose clip length, masking and learning rates are used.

    Returns:
        All rows: `size`, `batch_size`, `seed`, `parameters`, `minutes`, and `points` with `tokens`,
        `flops` and the cross-entropy of every held-out clip, `losses`, in nats per token.

    Raises:
        InputError: for a world that cannot be used, or a folder begun with other options.
    """
    study = ScaleStudy(clips, out, options, progress_for, base)
    for row in rows(options):
        path = out / f"{row.name}.json"
        if not path.exists():
            made = study.train(row, progress_for(row.name))
            write_whole(path, json.dumps(made))
    return read_rows(out, options)


def read_rows(out: Path, options: ScaleOptions) -> list[dict[str, Any]]:
    """The rows of the study that were run so far."""
    paths = [out / f"{row.name}.json" for row in rows(options)]
    return [json.loads(path.read_text()) for path in paths if path.exists()]


class ScaleStudy:
    """What all rows share: the world, the clips, their tokens, and what the loss is measured on."""

    def __init__(
        self, clips: Path, out: Path, options: ScaleOptions, progress_for: ProgressFor, base: Recipe
    ):
        self.options, self.base, self.stage = options, base, base.world_stage
        self.device = choose_device(options.device)
        self.world = World.load(options.world, self.device)
        length = self.stage.clip_length
        self.train_clips = ClipDataset(clips, "train", length)
        valid = ClipDataset(clips, "valid", length)
        size = (valid.height, valid.width)
        if size != (self.world.height, self.world.width):
            raise InputError(f"the clips are {size[1]}x{size[0]}, not of the size of the world")
        for row in rows(options):
            if (steps := self._stage(row).steps) * MARKS[0] < 1:
                raise InputError(
                    f"{options.tokens} tokens are {steps} steps of {row.batch_size} clips, and the "
                    f"first measurement comes after {MARKS[0]:.1%} of them: take more tokens, or "
                    "smaller batches"
                )
        free = ("sizes", "batches", "seeds", "device")
        inputs = {k: v for k, v in to_dict(options).items() if k not in free} | {
            "world": self.world.sha256,
            "clips": [self.train_clips.sha256, valid.sha256],
            "stage": to_dict(self.stage),
        }
        if other := other_inputs(out, inputs):
            raise InputError(f"{out} was begun with another {other[0]}; choose another --out")
        self.tokens = self._tokens(self.train_clips, out, progress_for)
        self.held_out = list(
            self._clips(valid, self._tokens(valid, out, progress_for), options.held_out)
        )

    def _tokens(self, dataset: ClipDataset, out: Path, progress_for: ProgressFor) -> TokenStore:
        return tokenize_clips(
            dataset, self.world.tokenizer, out / "tokens", self.device, progress_for("tokens")
        )

    def _clips(
        self, dataset: ClipDataset, store: TokenStore, batch_size: int, seed: int = 0
    ) -> Generator[tuple[Tensor, Tensor]]:
        """Video and tokens of batch after batch; of held-out clips, one batch."""
        for ids, video in batches(dataset, batch_size, seed):
            found = [store.read(i.scene, i.start, dataset.length) for i in ids]
            yield video, torch.from_numpy(np.stack(found))
            if dataset.split == "valid":
                return

    def train(self, row: ScaleRow, progress: Progress) -> dict[str, Any]:
        """Train one row, measured on its way."""
        torch.manual_seed(row.seed)
        dynamics, stage = self._dynamics(row), self._stage(row)
        config, begun, points = dynamics.config, time.perf_counter(), []
        learned, measured = (
            DynamicsObjective(self.world.actions, dynamics, self.world.tokenizer, loss)
            for loss in (self.base.world_loss, replace(self.base.world_loss, corrupt=0.0))
        )
        history = self.base.world_loss.masking == "history"
        passes = dynamics_flops(config, row.batch_size, stage.clip_length, history)
        state = TrainState(learned, stage, Path(), self.device)
        marks = {max(1, round(share * stage.steps)) for share in MARKS}
        source = self._clips(self.train_clips, self.tokens, row.batch_size, row.seed)
        for video, tokens in source:
            metrics = state.update(video, tokens)
            progress(state.step, stage.steps, f"cross entropy {metrics['cross_entropy']:.3f}")
            if state.step in marks:
                state.average.swap(learned)
                losses = self._measure(measured.eval())
                state.average.swap(learned)
                trained = state.step * tokens.numel()
                flops = state.step * (1 + BACKWARD) * passes.total
                points.append({"tokens": trained, "flops": flops, "losses": losses})
            if state.step == stage.steps:
                break
        source.close()
        minutes = (time.perf_counter() - begun) / 60
        return to_dict(row) | {
            "parameters": parameters(dynamics),
            "steps": stage.steps,
            "minutes": minutes,
            "points": points,
        }

    def _dynamics(self, row: ScaleRow) -> Dynamics:
        width, blocks, features = shape_of(row.size)
        own, shape = self.world.config.dynamics, self.base.dynamics.transformer
        transformer = TransformerConfig(
            width, blocks, width // features, features, shape.mlp_ratio, window=shape.window
        )
        assert isinstance(own, DynamicsConfig)
        made = Dynamics(replace(own, transformer=transformer, action_input="add"))
        assert isinstance(self.world.tokenizer, VideoTokenizer)
        books = self.world.tokenizer.quantizer.codebooks.cpu()
        made.init_from_codebook(books, torch.Generator().manual_seed(row.seed))
        return made.to(self.device)

    def _stage(self, row: ScaleRow) -> StageConfig:
        """Rates grow with the root of the batch and fall with the root of the width."""
        per_step = row.batch_size * self.stage.clip_length * self.world.config.dynamics.num_tokens
        steps = max(1, round(self.options.tokens / per_step))
        width = self.base.dynamics.transformer.width
        share = (row.batch_size / self.stage.batch_size * width / shape_of(row.size)[0]) ** 0.5
        muon = self.stage.muon_rate
        return replace(
            self.stage,
            steps=steps,
            batch_size=row.batch_size,
            learning_rate=share * self.stage.learning_rate,
            muon_rate=muon and share * muon,
            warmup_steps=max(1, steps // 20),
            schedule="constant",
            ema_decay=0.9999,  # of short runs it bounds nothing: the average is of the last tenth
            seed=row.seed,
        )

    @torch.no_grad()
    def _measure(self, objective: DynamicsObjective) -> list[float]:
        """Cross-entropy of every held-out clip, with the same tokens hidden for every row."""
        losses = []
        for video, tokens in self.held_out:
            for i in range(len(video)):
                batch = Batch(
                    video[i : i + 1].to(self.device),
                    tokens[i : i + 1].to(self.device),
                    0.0,
                    (clip_seed(0, 0, i),),
                    torch.Generator(),
                    1,
                )
                losses.append(objective(batch)[0].item())
        return losses

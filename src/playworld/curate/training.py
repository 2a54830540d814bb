"""From labels to a filter: the labels split by video, a model trained, and measured on the rest."""

import hashlib
import logging
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from playworld.config import InputError, to_dict
from playworld.curate.features import features
from playworld.curate.filter import BATCH, WEIGHTS, Filter, FilterConfig, glimpses
from playworld.curate.labels import BEST, WORST, Labels
from playworld.curate.measure import measure, plain
from playworld.curate.options import FilterOptions
from playworld.curate.quality_models import KINDS, QualityModel, QuickModel, ordinal_loss
from playworld.curate.stretches import Footage, LabelStretch
from playworld.data.clips.dataset import clips_at
from playworld.data.clips.shards import DamagedChunk
from playworld.data.ingest.train_valid_split import held_out
from playworld.machine import choose_device
from playworld.manifest import refuse_foreign
from playworld.progress import Progress, silent
from playworld.train.loop import Clips, Source, fit
from playworld.train.objectives import Batch, Metrics, Objective
from playworld.train.optim import StageConfig
from playworld.train.runs import check_resume_inputs, default_run
from playworld.words import counted

log = logging.getLogger(__name__)

PENALTY = 1e-2
"""Of the quick model's squared weights: there are more features than a first evening's labels."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Labelled stretches."""

    stretches: list[LabelStretch]
    """What was labelled."""
    labels: Int[np.ndarray, " n"]
    """1 to 5."""

    @property
    def sha256(self) -> str:
        """Of what was labelled, and how."""
        return hashlib.sha256(f"{self.stretches} {self.labels.tolist()}".encode()).hexdigest()

    def those(self, keep: np.ndarray) -> "Examples":
        """Those where `keep` is true."""
        rows = np.flatnonzero(keep)
        return Examples([self.stretches[row] for row in rows], self.labels[rows])


def train_filter(
    clips: Path, labels: Path, out: Path, options: FilterOptions, progress: Progress = silent
) -> Filter:
    """Train a filter on labels of `clips`, measure it on held-out ones and write it to `out`.

    A network that was stopped goes on where it stopped when the same call is made again.

    Raises:
        InputError: for clips, labels or a folder that cannot be used.
        Preempted, NonFinite: see `playworld.train.loop.fit`.
    """
    refuse_foreign(out, [WEIGHTS])
    footage = Footage(clips)
    given = Labels(labels, footage)
    known = [(stretch, label) for stretch, label in given.given.items() if label is not None]
    examples = Examples([stretch for stretch, _ in known], np.array([n for _, n in known], int))
    examples = examples.those(np.array([readable(footage, s) for s in examples.stretches], bool))
    train, test = split(footage, examples, options)
    device = choose_device(options.device)
    torch.manual_seed(options.seed)
    model = KINDS[options.kind]()
    run = options.run or default_run(out, clips, f"filter {options} {train.sha256}")
    if isinstance(model, QuickModel):
        fit_quick(model, footage, train)
    else:
        fit_network(model, footage, train, options, run, device, progress)
    config = FilterConfig(options.kind, given.length, footage.height, footage.width, footage.fps)
    made = Filter(config, model.eval(), {})
    chances = made.predict(footage, test.stretches, device)
    report = {
        "clips": str(footage.clips.resolve()),
        "clips_sha256": footage.sha256,
        "options": to_dict(options),
        "labels": _counts(footage, given, train, test),
        "measured": plain(measure(chances, test.labels)),
    }
    made = Filter(config, made.model.cpu(), report)
    made.save(out)
    if options.run is None:  # last: what stops before this is not trained again
        shutil.rmtree(run, ignore_errors=True)
    return made


def readable(footage: Footage, stretch: LabelStretch) -> bool:
    """Whether its bytes are whole; where not, that is logged."""
    try:
        footage.glimpse(stretch)
    except DamagedChunk as error:
        log.warning("%s: its label is not used", error)
        return False
    return True


def split(
    footage: Footage, examples: Examples, options: FilterOptions
) -> tuple[Examples, Examples]:
    """Examples to learn from and to measure on: videos are on one side, each kind on both.

    Raises:
        InputError: where there is too little to learn from or to measure on.
    """
    by_video = defaultdict(list)
    for stretch, label in zip(examples.stretches, examples.labels, strict=True):
        by_video[footage.source(stretch)].append(int(label))
    kinds = defaultdict(list)  # videos by their mean label: else a rare one may be on one side only
    for source, found in by_video.items():
        kinds[round(sum(found) / len(found))].append(source)
    tests: set[str] = set()
    for videos in kinds.values():
        tests |= held_out(videos, options.held_out, options.seed)
    measured = np.array([footage.source(s) in tests for s in examples.stretches], dtype=bool)
    train, test = examples.those(~measured), examples.those(measured)
    if options.extremes:
        train = train.those((train.labels == BEST) | (train.labels == WORST))
    if len(set(train.labels)) < 2 or not len(test.labels):
        raise InputError(
            f"a filter needs stretches of at least two labels, in several videos each; got "
            f"{counted(len(examples.labels), 'label')} of {counted(len(by_video), 'video')}: "
            "label more"
        )
    return train, test


def fit_quick(model: QuickModel, footage: Footage, examples: Examples) -> None:
    """Solve the regression: it is convex, so no steps, rates or seeds."""
    batches = glimpses(footage, examples.stretches, BATCH)
    x = torch.cat([features(torch.from_numpy(video)) for _, video in batches])
    labels = torch.from_numpy(examples.labels)
    model.mean.copy_(x.mean(dim=0))
    model.scale.copy_(x.std(dim=0).clamp_min(1e-3))
    x = (x - model.mean) / model.scale
    torch.nn.init.zeros_(model.linear.weight)
    solver = torch.optim.LBFGS(
        model.parameters(), max_iter=500, tolerance_grad=1e-6, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        solver.zero_grad()
        logits = model.linear(x) - model.thresholds
        loss = ordinal_loss(logits, labels) + PENALTY * model.linear.weight.square().sum()
        loss.backward()
        return loss

    solver.step(closure)


class FilterObjective(Objective):
    """Learns labels from one pair of frames of each stretch, mirrored in half of them."""

    def __init__(self, model: QualityModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], Metrics]:
        """Ordinal cross-entropy; `accuracy` is the share of right answers to its questions."""
        assert batch.labels is not None
        labels, share = batch.labels, len(batch.video) / batch.clips
        pairs = torch.stack(
            [_one_pair(v, g) for v, g in zip(batch.video, batch.generators(), strict=True)]
        )
        logits = self.model(pairs)
        loss = ordinal_loss(logits, labels)
        with torch.no_grad():
            reached = labels[:, None] > torch.arange(1, 5, device=labels.device)
            accuracy = ((logits > 0) == reached).float().mean()
        return share * loss, {"accuracy": share * accuracy}


def _one_pair(
    video: UInt8[Tensor, "T H W C"], generator: torch.Generator
) -> UInt8[Tensor, "2 H W C"]:
    pair = 2 * int(torch.randint(len(video) // 2, (), generator=generator))
    mirrored = bool(torch.rand((), generator=generator) < 0.5)
    frames = video[pair : pair + 2]
    return frames.flip(2) if mirrored else frames


def fit_network(
    model: QualityModel,
    footage: Footage,
    examples: Examples,
    options: FilterOptions,
    run: Path,
    device: torch.device,
    progress: Progress,
) -> None:
    """Train in the project's loop, which saves, and goes on where it stopped."""
    stage = StageConfig(
        steps=options.steps,
        batch_size=options.batch_size,
        clip_length=2,
        learning_rate=options.learning_rate,
        warmup_steps=max(1, options.steps // 10),
        schedule="cosine",
        weight_decay=0.05,
        ema_decay=0.0,  # statistics of batch normalisation belong to the newest weights
        save_every=100,
        seed=options.seed,
    )
    check_resume_inputs(run, {"set of clips": footage.sha256, "set of labels": examples.sha256})
    source = examples_source(footage, examples, stage)
    fit(FilterObjective(model), source, stage, run, "filter", device, progress)


def examples_source(footage: Footage, examples: Examples, stage: StageConfig) -> Source:
    """Endless batches of examples, a pure function of the seed and the step."""

    def source(start: int) -> Iterator[Clips]:
        while True:
            first = start * stage.batch_size
            picks = clips_at(len(examples.labels), first, stage.batch_size, stage.seed)
            video = np.stack([footage.glimpse(examples.stretches[i]) for i in picks])
            ids = torch.tensor([examples.stretches[i][1:3] for i in picks])
            labels = torch.from_numpy(examples.labels[picks])
            yield Clips(ids, torch.from_numpy(video), None, labels)
            start += 1

    return source


def _counts(footage: Footage, given: Labels, train: Examples, test: Examples) -> dict[str, Any]:
    def videos(examples: Examples) -> int:
        return len({footage.source(stretch) for stretch in examples.stretches})

    counts = given.counts()
    return {
        "file": str(given.path.resolve()),
        "given": {str(n): counts[n] for n in range(WORST, BEST + 1)},
        "trained_on": len(train.labels),
        "trained_on_videos": videos(train),
        "held_out": len(test.labels),
        "held_out_videos": videos(test),
    }

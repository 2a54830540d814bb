"""Behavioural cloning: a policy predicts the expert's next action (Genie, appendix E)."""

import logging
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from playworld.agents.demonstrations import Demonstrations, read_demonstrations
from playworld.agents.moves import MOVES, UNKNOWN
from playworld.agents.options import CloneOptions
from playworld.agents.policy import NETWORKS, WEIGHTS, Meaning, Policy, PolicyConfig
from playworld.config import InputError, to_dict
from playworld.data.clips.dataset import clips_at
from playworld.data.clips.shards import sha256_of
from playworld.machine import choose_device
from playworld.manifest import refuse_foreign
from playworld.progress import Progress, silent
from playworld.train.loop import Clips, NonFinite, Source, fit
from playworld.train.objectives import Batch, Metrics, Objective
from playworld.train.optim import StageConfig
from playworld.train.runs import check_resume_inputs, default_run
from playworld.world import World

log = logging.getLogger(__name__)

MAX_HELD_OUT = 4096
"""Transitions of held-out demonstrations that a policy is measured on, at most."""
BATCH_SIZE = 256


@dataclass(frozen=True, eq=False)
class CloningSplit:
    """Demonstrations with what each transition is labelled with."""

    shown: Demonstrations
    labels: Int[np.ndarray, " n"]
    """One per transition; `UNKNOWN` for those that teach nothing."""

    @property
    def known(self) -> Int[np.ndarray, " k"]:
        """The transitions that have a label."""
        return np.flatnonzero(self.labels != UNKNOWN)


@dataclass(frozen=True, eq=False)
class CloningDataset:
    """What policies of one meaning are cloned from, read and labelled once."""

    meaning: Meaning
    choices: int
    """How many labels there are."""
    train: CloningSplit
    valid: CloningSplit
    about: dict[str, Any]
    """Where the demonstrations and the labels come from."""


def label(
    clips: Path, world: World, meaning: Meaning, minutes: float | None = None
) -> CloningDataset:
    """Read the demonstrations of both splits and label them.

    Raises:
        InputError: for clips that cannot be used, or whose true actions are asked for but unknown.
    """
    shown = [read_demonstrations(clips, split, minutes) for split in ("train", "valid")]
    if meaning == "latent":
        train, valid = (CloningSplit(part, part.latent_actions(world)) for part in shown)
    else:
        train, valid = (CloningSplit(part, part.true_moves()) for part in shown)
    about = {
        "clips": str(clips.resolve()),
        "clips_sha256": {s: sha256_of(clips / s / "index.json") for s in ("train", "valid")},
        "transitions": {"train": len(train.known), "valid": len(valid.known)},
        "world_sha256": world.sha256 if meaning == "latent" else None,
    }
    choices = world.num_actions if meaning == "latent" else len(MOVES)
    return CloningDataset(meaning, choices, train, valid, about)


def clone(
    dataset: CloningDataset,
    out: Path,
    options: CloneOptions,
    seed: int = 0,
    progress: Progress = silent,
) -> Policy:
    """Train a policy, measure it on held-out demonstrations and write it to `out`.

    One that was stopped goes on where it stopped when the same call is made again. A policy that
    lies there already is returned if the same call made it, and else replaced once the new one is
    finished.

    Raises:
        InputError: for an `out` that holds something else.
        Preempted, NonFinite: see `playworld.train.loop.fit`.
    """
    refuse_foreign(out, [WEIGHTS])
    config, stage = shape(dataset, options), stage_config(options, seed)
    about = {**dataset.about, "options": to_dict(options), "seed": seed}
    run = default_run(
        out, Path(dataset.about["clips"]), f"clone {options} {seed} {dataset.about}", None
    )
    there = made_before(out, config, about)
    if there:
        log.info("%s is there already, made from the same clips by the same options", out)
        shutil.rmtree(run, ignore_errors=True)  # what a stop just after the saving has left
        return there
    torch.manual_seed(seed)
    network = NETWORKS[options.kind](config)
    check_resume_inputs(run, {"set of clips": dataset.about["clips_sha256"]})
    objective = CloneObjective(network, options.shift)
    source = labelled_batches(dataset.train, stage, options.frames)
    device = choose_device(options.device)
    try:
        fit(objective, source, stage, run, "clone", device, progress)
    except NonFinite:
        raise NonFinite(
            "loss or gradient was not finite in 10 steps in a row: this policy needs a lower "
            "--learning-rate, with which its training begins anew"
        ) from None
    made = Policy(config, network, {})
    measured = measure(made, dataset.valid)
    made = Policy(config, network.cpu(), {**about, "measured": measured})
    made.save(out)
    shutil.rmtree(run)  # last: what stops before this is not trained again
    return made


def shape(dataset: CloningDataset, options: CloneOptions) -> PolicyConfig:
    """The configuration of a policy for this dataset.

    Raises:
        InputError: for pictures or a number of frames that no policy takes.
    """
    height, width = dataset.train.shown.films[0].frames.shape[1:3]
    try:
        return PolicyConfig(
            options.kind, dataset.meaning, dataset.choices, height, width, options.frames
        )
    except ValueError as error:
        raise InputError(str(error)) from None


def stage_config(options: CloneOptions, seed: int) -> StageConfig:
    """How it is trained."""
    return StageConfig(
        steps=options.steps,
        batch_size=options.batch_size,
        clip_length=max(2, options.frames),
        learning_rate=options.learning_rate,
        schedule="cosine",
        weight_decay=0.05,
        ema_decay=0.99,
        seed=seed,
    )


def made_before(out: Path, config: PolicyConfig, about: dict[str, Any]) -> Policy | None:
    """The policy at `out` if it was cloned from the same, in the same way, on whatever device."""
    try:
        there = Policy.load(out)
    except InputError:  # none, a damaged one or one of another version
        return None

    def shared(report: dict[str, Any]) -> dict[str, Any]:
        options = {k: v for k, v in report.get("options", {}).items() if k != "device"}
        return {k: report.get(k) for k in about if k != "clips"} | {"options": options}

    same = there.config == config and shared(there.report) == shared(about)
    return there if same else None


class CloneObjective(Objective):
    """A policy learns labels of transitions from the frames before them."""

    def __init__(self, network: torch.nn.Module, shift: int) -> None:
        super().__init__()
        self.network, self.shift = network, shift

    def forward(self, batch: Batch) -> tuple[Float[Tensor, ""], Metrics]:
        """Cross-entropy; `accuracy` is the share of labels that it thinks likeliest."""
        assert batch.labels is not None
        share = len(batch.video) / batch.clips
        logits = self.network(shifted(batch.video, self.shift, batch.generators()))
        loss = F.cross_entropy(logits.float(), batch.labels)
        accuracy = (logits.argmax(dim=-1) == batch.labels).float().mean()
        return share * loss, {"accuracy": share * accuracy.detach()}


def shifted(
    video: UInt8[Tensor, "B F H W 3"], most: int, generators: list[torch.Generator]
) -> UInt8[Tensor, "B F H W 3"]:
    """Each row moved by up to `most` pixels, its frames alike; the edge is repeated (DrQ)."""
    height, width = video.shape[2:4]
    rows, columns = (torch.arange(side, device=video.device) for side in (height, width))
    moved = torch.empty_like(video)
    for row, generator in enumerate(generators):
        down, right = torch.randint(-most, most + 1, (2,), generator=generator).tolist()
        picked = video[row, :, (rows + down).clamp(0, height - 1)]
        moved[row] = picked[:, :, (columns + right).clamp(0, width - 1)]
    return moved


def labelled_batches(split: CloningSplit, stage: StageConfig, frames: int) -> Source:
    """Endless batches of labelled transitions, a pure function of the seed and the step."""
    known = split.known

    def source(start: int) -> Iterator[Clips]:
        while True:
            first = start * stage.batch_size
            rows = known[clips_at(len(known), first, stage.batch_size, stage.seed)]
            ids = torch.from_numpy(split.shown.transitions[rows])
            labels = torch.from_numpy(split.labels[rows])
            yield Clips(ids, split.shown.windows(rows, frames), None, labels)
            start += 1

    return source


def measure(policy: Policy, split: CloningSplit) -> dict[str, float]:
    """Accuracy on held-out demonstrations, and that of always the commonest label."""
    known = split.known
    rows = known[np.linspace(0, len(known) - 1, min(len(known), MAX_HELD_OUT)).astype(int)]
    parts = np.array_split(rows, -(-len(rows) // BATCH_SIZE))
    logits = torch.cat(
        [policy.logits(split.shown.windows(part, policy.config.frames)) for part in parts]
    )
    labels = torch.from_numpy(split.labels[rows])
    commonest = Counter(labels.tolist()).most_common(1)[0][1]
    return {
        "transitions": len(rows),
        "accuracy": (logits.argmax(dim=-1) == labels).float().mean().item(),
        "cross_entropy": F.cross_entropy(logits, labels).item(),
        "commonest": commonest / len(rows),
    }

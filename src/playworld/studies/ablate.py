"""What each choice is worth: small worlds that differ in one thing, made and measured alike."""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from playworld.config import InputError, did_you_mean, to_dict
from playworld.data.ingest import IngestOptions, ingest
from playworld.data.record import RecordOptions, record
from playworld.evaluate import EvaluateOptions, evaluate
from playworld.models.actions import TokenView
from playworld.models.flops import kept_bytes
from playworld.models.st_transformer import TransformerConfig
from playworld.models.tokenizer import TokenizerConfig, VideoTokenizer
from playworld.presets import SMALL
from playworld.train.loop import Progress
from playworld.train.options import TrainOptions
from playworld.train.recipe import Recipe
from playworld.train.runs import FINISHED
from playworld.train.stages import train_world

Change = Callable[[Recipe], Recipe]
Told = Callable[[str], Progress]


@dataclass(frozen=True)
class Table:
    """One question: the recipes that answer it, by the name of their row."""

    question: str
    rows: Mapping[str, Change]
    own_tokenizer: bool = False
    """Whether the rows differ in their tokenizers; otherwise one is trained and shared by all."""


def _world_stage(**changes: Any) -> Change:
    return lambda r: replace(r, world_stage=replace(r.world_stage, **changes))


def _world_loss(**changes: Any) -> Change:
    return lambda r: replace(r, world_loss=replace(r.world_loss, **changes))


def _actions(**changes: Any) -> Change:
    return lambda r: replace(r, actions=replace(r.actions, **changes))


def _codes(count: int) -> Change:
    return lambda r: _actions(quantizer=replace(r.actions.quantizer, num_codes=count))(r)


def _dynamics(**changes: Any) -> Change:
    def change(recipe: Recipe) -> Recipe:
        shape = replace(recipe.dynamics.transformer, **changes)
        return replace(recipe, dynamics=replace(recipe.dynamics, transformer=shape))

    return change


def _action_input(how: Literal["prepend", "concat"]) -> Change:
    return lambda r: replace(r, dynamics=replace(r.dynamics, action_input=how))


def _actions_on_tokens(recipe: Recipe) -> Recipe:
    shape = recipe.tokenizer
    view = TokenView(shape.patch, shape.quantizer.code_size)
    return _actions(tokens=view, patch=recipe.actions.patch // 2)(recipe)


def _tokenizer(**changes: Any) -> Change:
    return lambda r: replace(r, tokenizer=replace(r.tokenizer, **changes))


def _looking_back(recipe: Recipe) -> Recipe:
    window = recipe.tokenizer.decoder.window
    encoder = replace(recipe.tokenizer.encoder, temporal_every=1, window=window)
    return _tokenizer(encoder=encoder)(recipe)


def _decoder(**changes: Any) -> Change:
    def change(recipe: Recipe) -> Recipe:
        shape: TransformerConfig = replace(recipe.tokenizer.decoder, **changes)
        return _tokenizer(decoder=shape)(recipe)

    return change


def _as_it_is(recipe: Recipe) -> Recipe:
    return recipe


TABLES: dict[str, Table] = {
    "optimizer": Table(
        "Muon for the matrices inside the transformers, or AdamW for everything?",
        {"muon 3e-3 (default)": _as_it_is, "adamw": _world_stage(muon_rate=None)},
    ),
    "context": Table(
        "How many past frames should the latent action model see?",
        {
            "1 frame": _actions(context=1),
            "2 frames (default)": _as_it_is,
            "3 frames": _actions(context=3),
        },
    ),
    "masking": Table(
        "What should a hidden frame see of its past in training?",
        {
            "history (default)": _as_it_is,
            "prefix": _world_loss(masking="prefix"),
            "paper": _world_loss(masking="paper", corrupt=0.0),
        },
    ),
    "corrupt": Table(
        "Should tokens of the past be spoiled in training?",
        {
            "none": _world_loss(corrupt=0.0),
            "up to 10% (default)": _as_it_is,
            "up to 30%": _world_loss(corrupt=0.3),
        },
    ),
    "codes": Table(
        "How many latent actions?",
        {"2": _codes(2), "4": _codes(4), "8 (default)": _as_it_is, "16": _codes(16)},
    ),
    "view": Table(
        "Should the latent action model look at pixels or at tokens?",
        {"pixels (default)": _as_it_is, "tokens": _actions_on_tokens},
    ),
    "input": Table(
        "How should the dynamics be told the action?",
        {
            "added (default)": _as_it_is,
            "prepended": _action_input("prepend"),
            "concatenated": _action_input("concat"),
        },
    ),
    "time": Table(
        "Temporal attention in every block, or in every second one?",
        {"every block (default)": _as_it_is, "every second": _dynamics(temporal_every=2)},
    ),
    "tokenizer": Table(
        "Should the tokenizer look back in time?",
        {
            "decoder (default)": _as_it_is,
            "neither (ViT)": _decoder(temporal_every=0),
            "encoder and decoder (ST-ViViT)": _looking_back,
            "both, full attention (C-ViViT)": lambda r: _tokenizer(attention="full")(
                _looking_back(r)
            ),
        },
        own_tokenizer=True,
    ),
}


@dataclass(frozen=True)
class AblateOptions:
    """Options of `playworld ablate`. All rows share them, and the clips."""

    clips: Path | None = None
    """Folder that `playworld ingest` wrote; CoinRun is recorded below OUT if not given."""
    episodes: int = 150
    """Episodes to record where no clips are given."""
    tokenizer_steps: int = 300
    """Steps of each tokenizer."""
    world_steps: int = 250
    """Steps of each world; with the default, about 7 minutes of two cores."""
    seeds: int = 1
    """Repeats of every row, each with its own seed."""
    num_clips: int = 48
    """Held-out clips that each world is measured on."""
    rows: tuple[str, ...] = ()
    """Only the rows whose name begins so; all if not given."""

    def __post_init__(self) -> None:
        for name in ("episodes", "tokenizer_steps", "world_steps", "seeds", "num_clips"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")


def ablate(table: str, out: Path, options: AblateOptions, told: Told, base: Recipe = SMALL) -> str:
    """Make and measure every world of a table; the same call goes on where an older one stopped.

    Returns:
        The table in Markdown; rows that were not run say so.

    Raises:
        InputError: for an unknown table or row, or a folder begun with other options.
    """
    if table not in TABLES:
        raise InputError(f"unknown table {table!r}, {did_you_mean(table, TABLES)}")
    chosen, folder = TABLES[table], out / table
    names = [name for name in chosen.rows if name.startswith(options.rows or ("",))]
    if not names:
        raise InputError(f"table {table!r} has no row {options.rows}; it has {list(chosen.rows)}")
    _claim(out / table / "options.json", options)
    clips = _clips(out, options, told)
    for seed in range(options.seeds):
        for name in names:
            path = _result(folder, name, seed)
            if not path.exists():
                row = _run(chosen, name, seed, folder, clips, options, told, base)
                path.write_text(json.dumps(row, indent=2))
    return format_rows(chosen, folder, options)


def _claim(path: Path, options: AblateOptions) -> None:
    """Refuse to mix rows that were made differently."""
    kept = {k: v for k, v in to_dict(options).items() if k not in ("rows", "seeds")}
    if path.exists() and json.loads(path.read_text()) != json.loads(json.dumps(kept)):
        raise InputError(f"{path.parent} was begun with other options; choose another --out")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(kept))


def _clips(out: Path, options: AblateOptions, told: Told) -> Path:
    if options.clips is not None:
        return options.clips
    videos, clips = out / "videos", out / "clips"
    if not (clips / "dataset.json").exists():
        look = RecordOptions(episodes=options.episodes, max_frames=300, backgrounds=False)
        record("coinrun", videos, look, told("record"))
        ingest(videos, clips, IngestOptions(valid_fraction=0.2), told("ingest"))
    return clips


def _result(folder: Path, name: str, seed: int) -> Path:
    return folder / f"{_slug(name)}-{seed}.json"


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name)


def _run(
    table: Table,
    name: str,
    seed: int,
    folder: Path,
    clips: Path,
    options: AblateOptions,
    told: Told,
    base: Recipe,
) -> dict[str, Any]:
    """Train and measure one world."""
    recipe, run = table.rows[name](base), folder / f"{_slug(name)}-{seed}"
    training = TrainOptions(
        run=run,
        seed=seed,
        tokenizer_steps=options.tokenizer_steps,
        world_steps=options.world_steps,
    )
    begun = time.perf_counter()
    if table.own_tokenizer:
        only = replace(training, stage="tokenizer")
        train_world(recipe, clips, run / "made", only, told)
    else:
        shared = folder.parent / f"tokenizer-{options.tokenizer_steps}-{seed}"
        if not (shared / FINISHED).exists():
            only = replace(training, stage="tokenizer", run=shared)
            train_world(recipe, clips, run / "made", only, told)
            begun = time.perf_counter()
        if not (run / FINISHED).exists():
            shutil.copytree(shared / FINISHED, run / FINISHED)
    world = train_world(recipe, clips, run / "made", replace(training, stage="world"), told)
    assert world is not None
    minutes = (time.perf_counter() - begun) / 60
    measuring = EvaluateOptions(
        num_clips=options.num_clips, long_rollouts=0, arm_clips=0, return_starts=0
    )
    figures = evaluate(world, clips, measuring, told(f"evaluate {name}"))
    kept = kept_megabytes(recipe.tokenizer, recipe.tokenizer_stage.clip_length)
    made = {"row": name, "seed": seed, "minutes": minutes, "tokenizer MB": kept}
    return made | _figures(figures)


def kept_megabytes(shape: TokenizerConfig, frames: int) -> float:
    """Memory that a clip takes while the tokenizer trains: what the backward pass needs of it."""
    model, video = VideoTokenizer(shape), torch.rand(1, frames, shape.height, shape.width, 3)
    return kept_bytes(model, lambda: model(video)) / 1e6


def _figures(report: Mapping[str, Any]) -> dict[str, float]:
    """What a table shows of a report."""
    return {
        "tokenizer": report["tokenizer"]["psnr"],
        **{f"frame {k}": report["rollout"]["psnr"][str(k)] for k in (1, 4, 16)},
        "delta_4": report["control"]["delta_psnr"]["4"]["mean"],
        "agreement": report["control"]["agreement"],
        "left/none/right": report["control"]["horizontal"]["balanced"],
        "frames/s": report["speed"]["fps_median"],
    }


COLUMNS = (
    *("tokenizer", "frame 1", "frame 4", "frame 16"),
    *("delta_4", "agreement", "left/none/right", "frames/s", "tokenizer MB", "minutes"),
)
PERCENT = {"agreement", "left/none/right"}
ONE_DIGIT = {"frames/s", "tokenizer MB", "minutes"}


def format_rows(table: Table, folder: Path, options: AblateOptions) -> str:
    """The table in Markdown: means over the seeds that were run, with their range."""
    lines = [
        f"{table.question}",
        "",
        f"| | seeds | {' | '.join(COLUMNS)} |",
        "|" + "---|" * (len(COLUMNS) + 2),
    ]
    for name in table.rows:
        paths = [_result(folder, name, seed) for seed in range(options.seeds)]
        found = [json.loads(path.read_text()) for path in paths if path.exists()]
        cells = [_cell([row.get(column) for row in found], column) for column in COLUMNS]
        lines.append(f"| {name} | {len(found)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: list[float | None], column: str) -> str:
    known = [100 * v if column in PERCENT else v for v in values if v is not None]
    if not known:
        return "not run" if not values else "none"
    digits = 0 if column in PERCENT else 1 if column in ONE_DIGIT else 2
    mean = f"{sum(known) / len(known):.{digits}f}"
    if len(known) > 1:
        mean += f" [{min(known):.{digits}f}, {max(known):.{digits}f}]"
    return mean + ("%" if column in PERCENT else "")

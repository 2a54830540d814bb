"""What each choice is worth: small worlds that differ in one thing, made and measured alike."""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from playworld.atomic import write_whole
from playworld.config import InputError, did_you_mean, to_dict
from playworld.data.clips.dataset import ClipDataset
from playworld.data.clips.split_names import SPLITS
from playworld.data.ingest.pipeline import IngestOptions, ingest
from playworld.data.record.recorder import RecordOptions, record
from playworld.evaluate import EvaluateOptions, evaluate
from playworld.evaluate.heldout import read_held_out
from playworld.export.train_world import train_world
from playworld.models.flops import kept_bytes
from playworld.models.kinds import AnyTokenizerConfig, frame_bits
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.pixels import to_float
from playworld.models.tokenizer import TokenizerConfig, VideoTokenizer
from playworld.presets import SMALL
from playworld.progress import ProgressFor
from playworld.studies.options import AblateOptions
from playworld.studies.pace import RecipeRun, Stage, Watch, steps_of_equal_time
from playworld.studies.tables import TABLES, as_it_is
from playworld.train.loop import NonFinite
from playworld.train.objectives import Collapsed
from playworld.train.options import TrainOptions
from playworld.train.recipe import Recipe
from playworld.train.runs import FINISHED, other_inputs
from playworld.world import World


def ablate(
    table: str, out: Path, options: AblateOptions, progress_for: ProgressFor, base: Recipe = SMALL
) -> str:
    """Make and measure every world of a table; the same call goes on where an older one stopped.

    The row of the default recipe is made once and stands in every table.

    Returns:
        The table in Markdown; rows that were not run say so, and rows that collapsed.

    Raises:
        InputError: for an unknown table or row, clips that nothing can be measured on, or a folder
            begun with other options or clips.
    """
    if table not in TABLES:
        raise InputError(f"unknown table {table!r}, {did_you_mean(table, TABLES)}")
    rows = TABLES[table].rows
    for start in options.rows:
        if not any(name.startswith(start) for name in rows):
            raise InputError(f"table {table!r} has no row {start!r}; it has {list(rows)}")
    names = [name for name in rows if name.startswith(options.rows or ("",))]
    if TABLES[table].equal == "time":
        names = list(dict.fromkeys([first_of(table), *names]))  # it gives the time
    clips = _begin(out, options, progress_for)
    for seed in range(options.seeds):
        for name in names:
            path = _row(out, table, name, seed).with_suffix(".json")
            if not path.exists():
                try:
                    row = _run(table, name, seed, out, clips, options, progress_for, base)
                except (Collapsed, NonFinite) as error:
                    row = {"row": name, "seed": seed, "collapsed": str(error)}
                path.parent.mkdir(exist_ok=True)
                write_whole(path, json.dumps(row, indent=2))
    return format_rows(table, out, options)


def _begin(out: Path, options: AblateOptions, progress_for: ProgressFor) -> Path:
    """The clips, once it is certain that they are those of the folder and can be measured on."""
    kept = {k: v for k, v in to_dict(options).items() if k not in ("rows", "seeds", "clips")}
    measuring = _measuring(options)

    def checked(clips: Path) -> Path:
        read_held_out(clips, measuring.num_clips, measuring.length, measuring.seed)
        return clips

    if options.clips is not None:
        own = checked(options.clips)
        kept |= {f"{split} clips": ClipDataset(own, split, 1).sha256 for split in SPLITS}
    if other := other_inputs(out, kept):
        raise InputError(f"{out} was begun with other {other[0]}; choose another --out")
    return options.clips or checked(_recorded(out, progress_for, options.episodes))


def _recorded(out: Path, progress_for: ProgressFor, episodes: int) -> Path:
    videos, clips = out / "videos", out / "clips"
    if not (clips / "dataset.json").exists():
        look = RecordOptions(episodes=episodes, max_frames=300, backgrounds=False)
        record("coinrun", videos, look, progress_for("record"))
        ingest(videos, clips, IngestOptions(valid_fraction=0.2), progress_for("ingest"))
    return clips


def _row(out: Path, table: str, name: str, seed: int) -> Path:
    """Folder of a row's run; its figures lie beside it."""
    if TABLES[table].rows[name] is as_it_is:
        return out / f"default-{seed}"
    slug = "".join(c if c.isalnum() else "-" for c in name)
    return out / table / f"{slug}-{seed}"


def _run(
    table: str,
    name: str,
    seed: int,
    out: Path,
    clips: Path,
    options: AblateOptions,
    progress_for: ProgressFor,
    base: Recipe,
) -> dict[str, Any]:
    """Train and measure one world."""
    recipe, run = TABLES[table].rows[name](base), _row(out, table, name, seed)
    shared = recipe.tokenizer == base.tokenizer
    tokenizer = out / f"tokenizer-{seed}" if shared else run
    timed = TABLES[table].equal == "time" and name != first_of(table)

    def steps(stage: Stage, asked: int) -> int:
        if not timed:
            return asked
        first = first_of(table)
        model = RecipeRun(TABLES[table].rows[first](base), _row(out, table, first, seed))
        return steps_of_equal_time(stage, asked, model, RecipeRun(recipe, run), clips)

    counts: dict[Stage, int] = {"tokenizer": steps("tokenizer", options.tokenizer_steps)}
    train = TrainOptions(
        run=tokenizer, seed=seed, stage="tokenizer", tokenizer_steps=counts["tokenizer"]
    )
    watch = Watch(progress_for)
    if not (tokenizer / FINISHED).exists():
        train_world(recipe, clips, run / "made", train, watch)
    if not (run / FINISHED).exists():
        shutil.copytree(tokenizer / FINISHED, run / FINISHED)
    taken_up, begun = (run / "world").exists(), time.process_time()
    counts["world"] = steps("world", options.world_steps)
    train = TrainOptions(run=run, seed=seed, stage="world", world_steps=counts["world"])
    world = train_world(recipe, clips, run / "made", train, watch)
    assert world is not None
    figures = evaluate(world, clips, _measuring(options), progress_for(f"evaluate {name}"))
    minutes = None if taken_up else (time.process_time() - begun) / 60
    kept = kept_megabytes(recipe.tokenizer, recipe.tokenizer_stage.clip_length)
    made = {"row": name, "seed": seed, "minutes": minutes, "tokenizer MB": kept}
    for stage, count in counts.items():
        pace = watch.seconds(stage)
        made |= {f"{stage} steps": count, f"{stage} seconds": pace and count * pace}
    return made | {"bits": _bits(world, clips, _measuring(options))} | _figures(figures)


@torch.inference_mode()
def _bits(world: World, clips: Path, measuring: EvaluateOptions) -> float:
    """Mean over the frames of the held-out clips that follow another frame."""
    held = read_held_out(clips, measuring.num_clips, measuring.length, measuring.seed)
    tokens = torch.cat([world.tokenizer.encode(to_float(clip[None])) for clip in held.video])
    return float(frame_bits(tokens[:, 1:], world.config.tokenizer).mean())


def _measuring(options: AblateOptions) -> EvaluateOptions:
    return EvaluateOptions.brief(num_clips=options.num_clips)


def kept_megabytes(shape: AnyTokenizerConfig, frames: int) -> float:
    """Memory that a clip takes while the tokenizer trains: what the backward pass needs of it."""
    video = torch.rand(1, frames, shape.height, shape.width, 3)
    if isinstance(shape, TokenizerConfig):
        model = VideoTokenizer(shape)
        return kept_bytes(model, lambda: model(video)) / 1e6
    filtered = MotionTokenizer(shape)
    return kept_bytes(filtered, lambda: filtered(video)) / 1e6


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


def first_of(table: str) -> str:
    """The name of a table's first row."""
    return next(iter(TABLES[table].rows))


COLUMNS = (
    *("tokenizer", "frame 1", "frame 4", "frame 16"),
    *("delta_4", "agreement", "left/none/right", "frames/s", "tokenizer MB", "minutes"),
)
PERCENT = {"agreement", "left/none/right"}
ONE_DIGIT = {"frames/s", "tokenizer MB", "minutes"}
WHOLE = PERCENT | {
    "bits",
    *(f"{stage} {unit}" for stage in ("tokenizer", "world") for unit in ("steps", "seconds")),
}


def format_rows(table: str, out: Path, options: AblateOptions) -> str:
    """The table in Markdown: means over the seeds that were run, with their range."""
    columns = COLUMNS + TABLES[table].columns
    lines = [
        TABLES[table].question,
        "",
        f"| | seeds | {' | '.join(columns)} |",
        "|" + "---|" * (len(columns) + 2),
    ]
    for name in TABLES[table].rows:
        rows = [_row(out, table, name, seed) for seed in range(options.seeds)]
        paths = [row.with_suffix(".json") for row in rows]
        found = [json.loads(path.read_text()) for path in paths if path.exists()]
        lost = sum("collapsed" in row for row in found)
        cells = [_cell([row.get(column) for row in found], column) for column in columns]
        count = f"{len(found)}, {lost} collapsed" if lost else len(found)
        lines.append(f"| {name} | {count} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: list[float | None], column: str) -> str:
    known = [100 * v if column in PERCENT else v for v in values if v is not None]
    if not known:
        return "not run" if not values else "none"
    digits = 0 if column in WHOLE else 1 if column in ONE_DIGIT else 2
    mean = f"{sum(known) / len(known):.{digits}f}" + ("%" if column in PERCENT else "")
    if len(known) == 1:
        return mean
    return f"{mean} [{min(known):.{digits}f}, {max(known):.{digits}f}]"

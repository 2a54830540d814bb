import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from playworld.config import InputError
from playworld.models.actions import LatentActionModel
from playworld.models.dynamics import Dynamics
from playworld.models.tokenizer import VideoTokenizer
from playworld.presets import TINY
from playworld.studies.scale import ScaleOptions, ScaleRow, read_rows, rows, scale, shape_of
from playworld.world import World
from playworld.world.folder import WorldConfig

# 8 clips of 8 frames of 16 tokens make 1,024 tokens a step: 16 steps, one for each measurement.
QUICK = ScaleOptions(
    sizes=("32x1", "48x1"), batches=(8,), batch_size=4, tokens=16_384, held_out=2, device="cpu"
)


def silent(stage: str):
    return lambda done, total, note: None


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world that learned nothing: rows need its tokens and actions, not their meaning."""
    torch.manual_seed(0)
    parts = (
        VideoTokenizer(TINY.tokenizer),
        LatentActionModel(TINY.actions),
        Dynamics(TINY.dynamics),
    )
    folder = tmp_path_factory.mktemp("scaled") / "world"
    World(WorldConfig("tiny", 10.0, TINY.tokenizer, TINY.actions, TINY.dynamics), *parts).save(
        folder
    )
    return folder


@pytest.mark.slow
def test_a_study_is_made_row_by_row_and_taken_up(clips, world, tmp_path):
    options = replace(QUICK, world=str(world))
    made = scale(clips, tmp_path, options, silent, base=TINY)
    assert [row["size"] for row in made] == ["32x1", "48x1", "48x1"]
    assert [row["batch_size"] for row in made] == [4, 4, 8]
    for row in made:
        tokens, losses = zip(*((p["tokens"], p["losses"]) for p in row["points"]), strict=True)
        assert tokens[-1] == 16_384 and len(losses[-1]) == 2
        assert torch.tensor(losses[-1]).mean() < torch.tensor(losses[0]).mean()  # it learns
    assert made[0]["parameters"] < made[1]["parameters"]
    path = tmp_path / "48x1-batch8-0.json"
    path.write_text(json.dumps(made[2] | {"minutes": 12.5}))
    (tmp_path / "32x1-batch4-0.json").unlink()
    again = scale(clips, tmp_path, options, silent, base=TINY)
    assert again[2]["minutes"] == 12.5  # what was there is not made again
    assert again[0]["points"] == made[0]["points"]  # and what is made again comes out the same
    with pytest.raises(InputError, match="begun with another tokens"):
        scale(clips, tmp_path, replace(options, tokens=32_768), silent, base=TINY)


def test_too_few_steps_for_all_measurements_are_refused(clips, world, tmp_path):
    options = replace(QUICK, world=str(world), tokens=15_000)
    with pytest.raises(InputError, match="more tokens, or smaller batches"):
        scale(clips, tmp_path / "out", options, silent, base=TINY)
    assert not (tmp_path / "out").exists()


def test_rows_that_were_not_run_are_left_out(tmp_path):
    assert read_rows(tmp_path, QUICK) == []


def test_every_size_runs_at_one_batch_and_the_middle_size_at_all():
    options = ScaleOptions(sizes=("96x2", "48x2", "192x4"), batches=(4, 8), seeds=2)
    assert rows(options)[:4] == [
        ScaleRow("96x2", 4),
        ScaleRow("48x2", 4),
        ScaleRow("192x4", 4),
        ScaleRow("96x2", 8),
    ]
    assert [row.seed for row in rows(options)] == [0] * 4 + [1] * 4


@pytest.mark.parametrize("size", ["192", "x4", "192x0", "50x2", "0x2", "-48x2"])
def test_a_size_that_no_heads_fit_is_refused(size):
    with pytest.raises(InputError):
        shape_of(size)


def test_the_default_sizes_span_thirty_times_in_parameters():
    from playworld.models.dynamics import DynamicsConfig
    from playworld.models.flops import on_meta, parameters
    from playworld.models.st_transformer import TransformerConfig

    counts = []
    for width, blocks, features in map(shape_of, ScaleOptions().sizes):
        shape = TransformerConfig(width, blocks, width // features, features, 2.0, window=12)
        counts.append(parameters(on_meta(lambda s=shape: Dynamics(DynamicsConfig(64, 1024, 8, s)))))
    assert len(counts) >= 5 and counts[-1] >= 30 * counts[0]

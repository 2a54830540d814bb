import json
from dataclasses import replace

import pytest

from playworld.config import InputError
from playworld.presets import SMALL, TINY
from playworld.studies import ablate as ablations
from playworld.studies import pace
from playworld.studies.ablate import AblateOptions, ablate, format_rows, kept_megabytes
from playworld.studies.pace import RecipeRun, steps_of_equal_time
from playworld.studies.tables import TABLES

QUICK = AblateOptions(tokenizer_steps=4, world_steps=4, num_clips=2)


@pytest.fixture(autouse=True)
def few_starts(monkeypatch):
    """Each row is measured from a few starts: to press every button from 50 takes seconds."""
    full = ablations._measuring
    monkeypatch.setattr(
        ablations, "_measuring", lambda o: replace(full(o), button_starts=4, speed_frames=4)
    )


def silent(stage: str):
    return lambda done, total, note: None


@pytest.mark.parametrize("table", TABLES)
def test_every_row_of_every_table_is_a_recipe_of_its_own(table):
    recipes = [change(SMALL) for change in TABLES[table].rows.values()]
    assert SMALL in recipes
    assert all(a != b for i, a in enumerate(recipes) for b in recipes[:i])


def test_full_attention_takes_more_memory_the_longer_the_clip():
    def share(frames: int) -> float:
        rows = TABLES["tokenizer"].rows
        st, full = (
            replace(rows[name](SMALL).tokenizer, stem_channels=2, stem="linear")
            for name in ("encoder and decoder (ST-ViViT)", "both, full attention (C-ViViT)")
        )
        return kept_megabytes(full, frames) / kept_megabytes(st, frames)

    assert share(16) > share(4)


@pytest.mark.slow
def test_the_arms_of_the_paper_train_play_and_are_measured(clips, tmp_path):
    """All at once: full attention, latent actions on tokens, and the action as a token."""
    base = replace(  # 8 x 8 tokens, which convolutions can look at
        TINY,
        tokenizer=replace(TINY.tokenizer, patch=8),
        dynamics=replace(TINY.dynamics, num_tokens=64),
    )
    base = TABLES["input"].rows["prepended"](TABLES["view"].rows["tokens"](base))
    text = ablate(
        "tokenizer", tmp_path, replace(QUICK, clips=clips, rows=("both",)), silent, base=base
    )
    (path,) = (tmp_path / "tokenizer").glob("*-0.json")
    found = json.loads(path.read_text())
    assert "(C-ViViT) | 1 |" in text and found["tokenizer"] > 5 and found["tokenizer MB"] > 0


@pytest.mark.slow
def test_a_table_is_made_row_by_row_and_taken_up(clips, tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "PILOT_STEPS", 3)
    options = replace(QUICK, clips=clips, rows=("1 frame",))
    first = ablate("context", tmp_path, options, silent, base=TINY)
    assert first.count("not run") == 20 and "| 1 frame | 1 |" in first
    path = tmp_path / "context" / "1-frame-0.json"
    row = json.loads(path.read_text())
    assert row["tokenizer"] > 5 and row["frames/s"] > 0 and row["minutes"] > 0
    path.write_text(json.dumps(row | {"tokenizer": 12.345}))
    both = ablate("context", tmp_path, replace(options, rows=("1", "2")), silent, base=TINY)
    assert "| 1 frame | 1 | 12.3" in both  # what was there is not made again
    assert "| 2 frames (default) | 1 |" in both and both.count("not run") == 10
    other = ablate("codes", tmp_path, replace(options, rows=("8",)), silent, base=TINY)
    default = next(line for line in both.splitlines() if line.startswith("| 2 frames"))
    assert default.replace("2 frames", "8") in other  # one row for all tables
    assert "| factorised | 1 |" in ablate(
        "tokens", tmp_path, replace(options, rows=("factorised",)), silent, base=TINY
    )
    row = json.loads((tmp_path / "tokens/factorised-0.json").read_text())
    assert row["bits"] == 4 * 16 * 6 and row["world seconds"] > 0
    decided = json.loads((tmp_path / "tokens/factorised-0/steps.json").read_text())
    assert decided == {stage: row[f"{stage} steps"] for stage in ("tokenizer", "world")}


def test_a_slower_recipe_gets_fewer_steps_in_equal_time_once_and_for_all(clips, tmp_path):
    stage = TINY.tokenizer_stage
    slow, quick = (
        replace(TINY, tokenizer_stage=replace(stage, batch_size=size, clip_length=frames))
        for size, frames in ((16, 8), (1, 4))
    )
    first, other = RecipeRun(quick, tmp_path / "first"), RecipeRun(slow, tmp_path / "other")
    steps = steps_of_equal_time("tokenizer", 1_000, first, other, clips)
    assert steps < 700  # of 32 times the frames
    again = steps_of_equal_time("tokenizer", 1_000, other, other, clips)
    assert again == steps  # nothing is timed a second time


def test_a_table_shows_the_mean_over_seeds_and_their_range(tmp_path):
    for seed, row in enumerate(
        ({"frame 4": 12.0, "agreement": 0.4}, {"frame 4": 14.0, "agreement": 0.6})
    ):
        (tmp_path / f"default-{seed}.json").write_text(json.dumps(row))
    default, tokens = format_rows("view", tmp_path, AblateOptions(seeds=2)).splitlines()[-2:]
    assert "| pixels (default) | 2 | none | none | 13.00 [12.00, 14.00] |" in default
    assert "| 50% [40, 60] |" in default
    assert tokens.startswith("| tokens | 0 | not run |")


def test_rows_made_with_other_options_are_not_mixed(clips, tmp_path):
    (tmp_path / "inputs.json").write_text("{}")
    with pytest.raises(InputError, match="begun with other"):
        ablate("codes", tmp_path, replace(QUICK, clips=clips), silent, base=TINY)


def test_rows_of_clips_and_rows_of_recordings_are_not_mixed(clips, tmp_path):
    folder = tmp_path / "out/context/1-frame-0.json"
    folder.parent.mkdir(parents=True)
    folder.write_text(json.dumps({"row": "1 frame", "tokenizer": 12.345}))
    options = replace(QUICK, clips=clips, rows=("1",))
    ablate("context", tmp_path / "out", options, silent, base=TINY)
    with pytest.raises(InputError, match="begun with other train clips"):
        ablate("context", tmp_path / "out", replace(options, clips=None), silent, base=TINY)


def test_the_same_clips_at_another_path_are_the_same(clips, tmp_path):
    shown = "tables/context/1-frame-0.json"
    (tmp_path / "tables/context").mkdir(parents=True)
    (tmp_path / shown).write_text(json.dumps({"row": "1 frame", "tokenizer": 12.345}))
    (tmp_path / "here").symlink_to(clips)
    for path in (clips, tmp_path / "here"):
        options = replace(QUICK, clips=path, rows=("1",))
        assert "| 12.35 |" in ablate("context", tmp_path / "tables", options, silent, base=TINY)


def test_clips_that_nothing_can_be_measured_on_are_refused_before_the_training(clips, tmp_path):
    options = replace(QUICK, clips=clips / "train")
    with pytest.raises(InputError):
        ablate("codes", tmp_path / "out", options, silent, base=TINY)
    assert not (tmp_path / "out").exists()  # free for the clips that were meant


@pytest.mark.slow
def test_a_row_that_collapses_is_written_down_and_the_table_goes_on(clips, tmp_path):
    """A step has fewer tokens than 1 in 200 of so many codes, and none is revived."""
    many = replace(TINY.tokenizer.quantizer, num_codes=20_000, usage_decay=0.0, revive_below=0.0)
    base = replace(
        TINY,
        tokenizer=replace(TINY.tokenizer, quantizer=many),
        dynamics=replace(TINY.dynamics, num_codes=many.num_codes),
        tokenizer_stage=replace(TINY.tokenizer_stage, batch_size=1, clip_length=4),
    )
    options = replace(QUICK, clips=clips, rows=("added", "prepended"))
    text = ablate("input", tmp_path, options, silent, base=base)
    assert "| added (default) | 1, 1 collapsed | none |" in text
    assert "| prepended | 1, 1 collapsed | none |" in text


@pytest.mark.parametrize("table, rows", [("contxt", ()), ("context", ("1", "9"))])
def test_an_unknown_table_or_row_is_refused_before_anything_is_made(table, rows, tmp_path):
    with pytest.raises(InputError):
        ablate(table, tmp_path, replace(QUICK, rows=rows), silent)
    assert list(tmp_path.iterdir()) == []

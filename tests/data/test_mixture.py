"""A folder in which much is worth leaving out, from its videos to the clips, page and inventory."""

import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from playworld.cli import main
from playworld.config import InputError
from playworld.data.clips.inventory import histogram, take_inventory
from playworld.data.clips.shards import ShardReader
from playworld.data.ingest.clean_options import CleanOptions
from playworld.data.ingest.pipeline import IngestOptions, ingest
from playworld.data.ingest.train_valid_split import held_out
from tests.data.films import read_frames

LOSSY = ("libx264", "yuv420p", {"crf": "22", "preset": "veryfast"})
SEEDS = {"a": 8, "b": 9, "c": 10}
OPTIONS = IngestOptions(clean=CleanOptions(duplicates=3), workers=1)


@pytest.fixture(scope="module")
def films(tmp_path_factory, write_film, game):
    folder = tmp_path_factory.mktemp("mixture") / "films"
    folder.mkdir()

    def write(name, frames):
        write_film(folder / name, frames, fps=10, codec=LOSSY)

    black = np.zeros((20, 64, 64, 3), dtype=np.uint8)
    for name, seed in SEEDS.items():
        write(f"game-{name}.mp4", game(60, seed))
    write("leader.mp4", np.concatenate([black, game(60, 1)[:40]]))
    write("title.mp4", np.concatenate([game(1, seed=2).repeat(70, axis=0), game(60, 3)[:40]]))
    write("pillars.mp4", np.pad(game(60, 4)[:40], ((0, 0), (0, 0), (20, 20), (0, 0))))
    boxed = game(60, 5)[:40].copy()
    boxed[:, :10] = boxed[:, -10:] = 0
    write("partly.mp4", np.concatenate([game(60, 6)[:40], boxed]))
    shutil.copy(folder / "game-b.mp4", folder / "same.mp4")
    write("upload.mp4", np.clip(game(60, SEEDS["a"]) * 1.05 + 8, 0, 255).astype(np.uint8))
    write("used-again.mp4", np.concatenate([game(60, 7)[:40], game(60, SEEDS["c"])[:45]]))
    return folder


@pytest.fixture(scope="module")
def clips(films):
    ingest(films, films.parent / "clips", OPTIONS)
    return films.parent / "clips"


@pytest.fixture(scope="module")
def report(clips):
    return json.loads((clips / "report.json").read_text())


def fates(report):
    files = [*report["ok"], *report["skipped"]]
    return {f["source"]: [(d["reason"], d["frames"]) for d in f.get("dropped", [])] for f in files}


def test_what_is_not_worth_keeping_is_left_out_and_nothing_else(report):
    found = fates(report)
    assert all(found[f"game-{name}.mp4"] == [] for name in "abc")
    assert found["leader.mp4"] == [("black", 20)]
    assert found["title.mp4"] == [("static", 70)]
    assert found["partly.mp4"] == [("letterbox", 40)]
    assert found["pillars.mp4"] == []
    assert found["same.mp4"] == [("duplicate", 60)]
    assert found["upload.mp4"] == [("duplicate", 60)]
    ((reason, frames),) = found["used-again.mp4"]
    assert reason == "duplicate" and abs(frames - 45) <= 3


def test_the_counts_add_up(report):
    kept = sum(split["frames"] for split in report["splits"].values())
    dropped = report["dropped"]
    assert kept + sum(count["frames"] for count in dropped.values()) == 60 * 5 + 60 + 110 + 40 + 165
    assert dropped["static"] == {"stretches": 1, "frames": 70, "seconds": 7.0}
    assert dropped["duplicate"]["stretches"] == 3 and dropped["short"]["frames"] == 0


def test_a_file_that_is_a_copy_is_not_used_and_says_of_what(report):
    reasons = {entry["source"]: entry["reason"] for entry in report["skipped"]}
    assert reasons == {"same.mp4": "a copy of 'game-b.mp4'", "upload.mp4": "a copy of 'game-a.mp4'"}


def test_videos_that_share_footage_are_on_one_side(report):
    split = {e["source"]: {s["split"] for s in e["scenes"]} for e in report["ok"]}
    assert split["game-c.mp4"] == split["used-again.mp4"] and len(split) == 8
    sources = [f"{n}.mp4" for n in range(9)]
    leader = {source: "2.mp4" if n in (2, 5, 7) else source for n, source in enumerate(sources)}
    for seed in range(20):
        held = held_out(sources, 0.3, seed, leader)
        assert 1 <= len(held) <= 4 and len(held & {"2.mp4", "5.mp4", "7.mp4"}) in (0, 3)
    assert held_out(sources, 0.3, 0, dict.fromkeys(sources, "0.mp4")) == set()


def test_bars_are_cut_away_before_the_picture_is_scaled(films, game, report):
    entry = next(e for e in report["ok"] if e["source"] == "pillars.mp4")
    assert entry["video"]["bars"] == [21, 0]  # 20 and the blurred line beside them
    frames = [f for _, f in read_frames(films / "pillars.mp4", 10, (64, 64), bars=True)]
    with_bars = [f for _, f in read_frames(films / "pillars.mp4", 10, (64, 64), fit="pad")]
    assert np.mean([f[:, :2].max() > 60 for f in frames]) > 0.9
    assert np.max([f[:, :8] for f in with_bars]) < 40
    inner = [f for _, f in read_frames(films / "pillars.mp4", 10, (64, 64), fit="pad", bars=True)]
    assert np.mean([f[:, :2].max() > 60 for f in inner]) > 0.9


def test_clean_clips_do_not_depend_on_workers(films, clips, tmp_path):
    ingest(films, tmp_path / "clips", IngestOptions(clean=OPTIONS.clean, workers=3))
    for path in sorted(p for p in clips.rglob("*") if p.is_file()):
        assert (tmp_path / "clips" / path.relative_to(clips)).read_bytes() == path.read_bytes()


def test_everything_can_be_kept(films, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    for name in ("leader", "title", "partly", "game-b", "same"):
        shutil.copy(films / f"{name}.mp4", few)
    clean = CleanOptions(static=0, black=0, bars=False, duplicates=0)
    report = ingest(few, tmp_path / "clips", IngestOptions(clean=clean, workers=1))
    assert sum(count["frames"] for count in report["dropped"].values()) == 0
    assert len(report["ok"]) == 5


def test_the_page_shows_what_was_left_out_without_scripts_or_network(clips):
    page = (clips / "report.html").read_text()
    for title in ("Black bars", "Standing still", "Copies", "Files not used", "File by file"):
        assert f"<h2>{title}</h2>" in page
    assert "copied from game-a.mp4, 0:00.0 to 0:05.9" in page
    pictures = re.findall(r'src="(.*?)"', page)
    assert len(pictures) >= 10 and all(p.startswith("data:image/webp;base64,") for p in pictures)
    assert "<script" not in page and "http" not in page


def test_the_page_escapes_names(tmp_path, write_film, game):
    (tmp_path / "films").mkdir()
    write_film(tmp_path / "films" / "<b>&.mp4", game(60))
    ingest(tmp_path / "films", tmp_path / "clips", OPTIONS)
    page = (tmp_path / "clips" / "report.html").read_text()
    assert "&lt;b&gt;&amp;.mp4" in page and "<b>&.mp4" not in page


def test_an_inventory_counts_what_the_shards_hold(clips, report):
    inventory = take_inventory(clips)
    readers = {name: ShardReader(clips / name) for name in ("train", "valid")}
    for name, reader in readers.items():
        lengths = [scene.num_frames for scene in reader.scenes]
        assert inventory.holdings[name].lengths.tolist() == lengths
        assert inventory.holdings[name].frames == report["splits"][name]["frames"]
    assert inventory.clips(16) == sum(n - 15 for n in inventory.lengths.tolist())
    assert (inventory.used, inventory.unused) == (8, 2)
    assert inventory.dropped == report["dropped"]


def test_a_histogram_has_every_scene_once():
    rows = histogram(np.array([16, 31, 32, 300]))
    assert rows == [(16, 31, 2), (32, 63, 1), (64, 127, 0), (128, 255, 0), (256, 511, 1)]
    assert histogram(np.array([], dtype=np.int64)) == []


def test_inspect_prints_tables_and_draws_a_sheet(clips, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")  # however long the folder's name, nothing is wrapped
    assert main(["inspect", str(clips), "--scenes", "3", "--verify"]) == 0
    said = capsys.readouterr().out
    assert "duplicate" in said and "64x64, 10 frames per second" in said
    sheet = Image.open(clips.with_name("clips-contact.png"))
    assert sheet.width == 40 + 8 * 132 - 4 and len(sheet.getcolors(2**24) or []) > 50


def test_inspect_counts_clips_that_nobody_has_reported_on(clips, tmp_path, capsys):
    shutil.copytree(clips, tmp_path / "clips")
    (tmp_path / "clips" / "report.json").unlink()
    assert main(["inspect", str(tmp_path / "clips"), "--out", str(tmp_path / "sheet.png")]) == 0
    assert "left out" not in capsys.readouterr().out and (tmp_path / "sheet.png").is_file()


def test_what_a_filter_left_out_is_counted(clips, tmp_path):
    shutil.copytree(clips, tmp_path / "clips")
    listed = json.dumps({"dropped": [{"frames": 20}, {"frames": 30}]})
    (tmp_path / "clips" / "report.json").write_text(listed)
    counted = {"filter": {"stretches": 2, "frames": 50, "seconds": 5.0}}
    assert take_inventory(tmp_path / "clips").dropped == counted


def test_inspect_finds_damage(clips, tmp_path, capsys):
    shutil.copytree(clips, tmp_path / "clips")
    shard = tmp_path / "clips" / "train" / "shard-00000.bin"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    assert main(["inspect", str(tmp_path / "clips")]) == 0  # a damaged frame is drawn as lost
    assert main(["inspect", str(tmp_path / "clips"), "--verify"]) == 1
    assert "is not the file that was written" in capsys.readouterr().err


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.touch(), lambda p: p.mkdir()])
def test_what_is_no_folder_of_clips_is_refused(make, tmp_path):
    make(tmp_path / "it")
    with pytest.raises(InputError, match="playworld ingest"):
        take_inventory(tmp_path / "it")

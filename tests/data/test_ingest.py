import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from playworld.atomic import alone
from playworld.config import InputError
from playworld.data.clips.dataset import ClipDataset
from playworld.data.clips.shards import ShardReader
from playworld.data.ingest.clean_options import CleanOptions
from playworld.data.ingest.pipeline import IngestOptions, ingest
from playworld.data.ingest.train_valid_split import held_out, runs_of_a_single_video

ONE = IngestOptions(workers=1)


@pytest.fixture
def films(tmp_path, write_film, game):
    """Three films of 4, 3 and 2 seconds at 20 fps, one of them in a folder."""
    (tmp_path / "films" / "more").mkdir(parents=True)
    for name, count in (("a.mp4", 80), ("b.mkv", 60), ("more/c.mp4", 40)):
        write_film(tmp_path / "films" / name, game(count, seed=ord(name[-5])))
    return tmp_path / "films"


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def scenes(clips):
    both = (ShardReader(clips / "train"), ShardReader(clips / "valid"))
    return [scene for reader in both for scene in reader.scenes]


def test_a_folder_of_films_becomes_clips(films, tmp_path, game):
    ingest(films, tmp_path / "clips", ONE)
    found = {scene.source: scene for scene in scenes(tmp_path / "clips")}
    assert {name: scene.num_frames for name, scene in found.items()} == {
        "a.mp4": 40,
        "b.mkv": 30,
        "more/c.mp4": 20,
    }
    assert found["a.mp4"].times.tolist() == [k / 10 for k in range(40)]


def test_clips_hold_the_pixels_of_their_source_times(films, tmp_path, game):
    ingest(films, tmp_path / "clips", ONE)
    for split in ("train", "valid"):
        reader = ShardReader(tmp_path / "clips" / split)
        for number, scene in enumerate(reader.scenes):
            film = game(2 * scene.num_frames, seed=ord(scene.source[-5]))
            shown = film[np.round(scene.times * 20).astype(int)]
            np.testing.assert_array_equal(reader.read(number, 0, scene.num_frames), shown)


def test_the_documents_say_what_was_made(films, tmp_path):
    report = ingest(films, tmp_path / "clips", ONE)
    dataset = json.loads((tmp_path / "clips" / "dataset.json").read_text())
    assert report == json.loads((tmp_path / "clips" / "report.json").read_text())
    assert (dataset["height"], dataset["width"], dataset["fps"]) == (64, 64, 10.0)
    assert dataset["videos"] == str(films)
    counts = dataset["splits"]
    assert counts["train"]["frames"] + counts["valid"]["frames"] == 90
    assert [file["source"] for file in report["ok"]] == ["a.mp4", "b.mkv", "more/c.mp4"]


def test_the_result_does_not_depend_on_workers_or_runs(films, tmp_path):
    for number, workers in enumerate((1, 3, 1)):
        ingest(films, tmp_path / str(number), IngestOptions(workers=workers))
    assert content(tmp_path / "0") == content(tmp_path / "1") == content(tmp_path / "2")


def test_no_video_is_in_both_splits_and_both_have_one(films, tmp_path):
    ingest(films, tmp_path / "clips", ONE)
    train, valid = (
        {scene.source for scene in ClipDataset(tmp_path / "clips", split, 16).scenes}
        for split in ("train", "valid")
    )
    assert train and valid and not train & valid


def test_the_seed_chooses_the_videos_held_out():
    names = [f"{k}.mp4" for k in range(50)]
    first, second = held_out(names, 0.2, seed=0), held_out(names, 0.2, seed=1)
    assert len(first) == len(second) == 10 and first != second
    assert first == held_out(names[::-1], 0.2, seed=0)


@pytest.mark.parametrize(("count", "fraction"), [(2, 0.01), (2, 0.99), (3, 0.1), (100, 0.5)])
def test_neither_split_is_ever_empty(count, fraction):
    held = held_out([f"{k}" for k in range(count)], fraction, 0)
    assert 1 <= len(held) <= count - 1


def test_a_single_video_is_split_in_time_with_a_gap(tmp_path, write_film, game):
    (tmp_path / "films").mkdir()
    write_film(tmp_path / "films" / "a.mp4", game(200), fps=20)
    report = ingest(tmp_path / "films", tmp_path / "clips", ONE)
    train, valid = scenes(tmp_path / "clips")
    assert (train.num_frames, valid.num_frames) == (68, 16)
    assert valid.times[0] - train.times[-1] > 1.6
    assert report["split_by"] == "time" and "one video" in report["warnings"][0]


@pytest.mark.parametrize("counts", [[100], [300], [40, 30, 90], [17, 500], [500, 17], [16] * 9])
def test_the_two_ends_of_a_single_video_never_meet(counts):
    first = np.cumsum([0, *counts])
    runs = runs_of_a_single_video(counts, 0.1, 16)
    train = [first[run.scene] + run.stop for run in runs if run.split == "train"]
    valid = [first[run.scene] + run.start for run in runs if run.split == "valid"]
    assert train and valid and min(valid) - max(train) >= 16
    assert all(run.stop - run.start >= 16 for run in runs)


def test_a_single_short_video_is_all_for_training_and_says_so(tmp_path, write_film, game):
    (tmp_path / "films").mkdir()
    write_film(tmp_path / "films" / "a.mp4", game(60))
    report = ingest(tmp_path / "films", tmp_path / "clips", ONE)
    assert report["splits"]["train"]["frames"] == 30 and report["splits"]["valid"]["frames"] == 0
    assert "nothing is held out" in report["warnings"][0]


def test_clips_never_cross_a_cut(films, tmp_path, write_film, game):
    joined = np.concatenate([game(50, seed=7), game(21, seed=8), game(60, seed=9)])
    write_film(films / "joined.mp4", joined, fps=10)
    report = ingest(films, tmp_path / "clips", ONE)
    entry = next(file for file in report["ok"] if file["source"] == "joined.mp4")
    assert [scene["frames"] for scene in entry["scenes"]] == [50, 21, 60]
    assert [scene["start"] for scene in entry["scenes"]] == [0.0, 5.0, 7.1]


def test_cuts_can_be_left_in(films, tmp_path, write_film, game):
    write_film(films / "joined.mp4", np.concatenate([game(50, seed=7), game(21, seed=8)]), fps=10)
    ingest(films, tmp_path / "clips", IngestOptions(workers=1, cuts=False))
    lengths = {scene.source: scene.num_frames for scene in scenes(tmp_path / "clips")}
    assert lengths["joined.mp4"] == 71


def test_scenes_that_are_too_short_are_dropped_and_counted(films, tmp_path, write_film, game):
    joined = np.concatenate([game(30, seed=7), game(5, seed=8), game(30, seed=9)])
    write_film(films / "joined.mp4", joined, fps=10)
    report = ingest(films, tmp_path / "clips", ONE)
    entry = next(file for file in report["ok"] if file["source"] == "joined.mp4")
    assert entry["dropped"] == [{"reason": "short", "start": 3.0, "end": 3.4, "frames": 5}]
    assert report["dropped"]["short"] == {"stretches": 1, "frames": 5, "seconds": 0.5}
    assert [scene["frames"] for scene in entry["scenes"]] == [30, 30]


def test_a_picture_that_stands_still_too_long_ends_the_scene(films, tmp_path, write_film, game):
    at_ms = [*range(0, 3000, 100), *range(60_000, 63_000, 100)]
    write_film(films / "pause.mkv", game(60), at_ms=at_ms)
    keep_still = IngestOptions(workers=1, clean=CleanOptions(static=0))
    report = ingest(films, tmp_path / "clips", keep_still)
    entry = next(file for file in report["ok"] if file["source"] == "pause.mkv")
    assert [scene["start"] for scene in entry["scenes"]] == [0.0, 60.0]
    assert entry["scenes"][0]["frames"] == 29 + 100


def test_one_bad_file_never_stops_the_run(films, tmp_path, write_film, game):
    (films / "notes.txt").write_text("not a video")
    (films / "empty.mp4").touch()
    data = write_film(films / "torn.mp4", game(20)).read_bytes()
    (films / "torn.mp4").write_bytes(data[:-300])
    write_film(films / "short.mp4", game(10))
    report = ingest(films, tmp_path / "clips", ONE)
    reasons = {file["source"]: file["reason"] for file in report["skipped"]}
    assert set(reasons) == {"notes.txt", "empty.mp4", "torn.mp4", "short.mp4"}
    assert len(report["ok"]) == 3 and "no scene of 16 frames" in reasons["short.mp4"]


def test_links_pipes_and_hidden_files_are_never_opened(films, tmp_path, write_film, game):
    write_film(tmp_path / "outside.mp4", game(40))
    (films / "leaves.mp4").symlink_to(tmp_path / "outside.mp4")
    (films / "stays.mp4").symlink_to(films / "a.mp4")
    (films / "folder").symlink_to(tmp_path)
    os.mkfifo(films / "pipe.mp4")
    (films / ".hidden.mp4").write_text("private")
    report = ingest(films, tmp_path / "clips", ONE)
    reasons = {file["source"]: file["reason"] for file in report["skipped"]}
    assert set(reasons) == {"leaves.mp4", "stays.mp4", "folder", "pipe.mp4"}
    assert "leaves the folder" in reasons["leaves.mp4"] and "leaves" in reasons["folder"]
    assert "elsewhere in the folder" in reasons["stays.mp4"]
    assert reasons["pipe.mp4"] == "not a regular file"


def test_action_files_change_nothing(films, tmp_path):
    ingest(films, tmp_path / "before", ONE)
    (films / "a.actions.json").write_text("not even JSON")
    ingest(films, tmp_path / "after", ONE)
    assert content(tmp_path / "before") == content(tmp_path / "after")


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_text("a file"), "is a file"),
        (lambda path: path.mkdir(), "holds no files"),
        (lambda path: (path.mkdir(), (path / "a.txt").write_text("hi")), "'a.txt': not a video"),
    ],
    ids=["missing", "file", "empty", "no video"],
)
def test_a_folder_without_video_is_refused_and_nothing_is_left(prepare, message, tmp_path):
    prepare(tmp_path / "films")
    with pytest.raises(InputError, match=message) as error:
        ingest(tmp_path / "films", tmp_path / "clips", ONE)
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir() if path.name != "films"] == []


@pytest.mark.parametrize("place", ["films", "films/clips", "."])
def test_clips_in_or_around_the_videos_are_refused(place, films, tmp_path):
    with pytest.raises(InputError, match="side by side"):
        ingest(films, tmp_path / place, ONE)


def test_a_folder_of_something_else_is_never_replaced(films, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="something else"):
        ingest(films, tmp_path / "home", ONE)
    assert content(tmp_path / "home") == {"thesis.tex": b"years of work"}


@pytest.mark.parametrize("mine", ['{"my": "data"}', '{"format": "csv", "splits": {}}'])
def test_a_dataset_of_another_program_is_never_replaced(films, tmp_path, mine):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "dataset.json").write_text(mine)
    with pytest.raises(InputError, match="something else than clips .dataset.json."):
        ingest(films, tmp_path / "clips", ONE)
    assert content(tmp_path / "clips") == {"dataset.json": mine.encode()}


def test_files_of_others_among_clips_stay_when_they_are_ingested_again(films, tmp_path):
    ingest(films, tmp_path / "clips", ONE)
    for name in ("notes.txt", ".DS_Store", "train/notes.txt", ".git/HEAD", "Thumbs.db"):
        (tmp_path / "clips" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "clips" / name).write_text(name)
    (tmp_path / "clips" / "train" / "shard-00009.bin").write_text("of older clips")
    ingest(films, tmp_path / "clips", ONE)
    found = content(tmp_path / "clips")
    assert all(found[name] == name.encode() for name in ("notes.txt", "train/notes.txt"))
    assert (tmp_path / "clips" / ".git" / "HEAD").exists() and "Thumbs.db" in found
    assert "train/shard-00009.bin" not in found and scenes(tmp_path / "clips")


def test_what_systems_put_among_videos_is_passed_over(films, tmp_path):
    for name in ("Thumbs.db", "desktop.ini", "._a.mp4", ".DS_Store"):
        (films / name).write_bytes(b"\0\5\x16\7")
    for name in ("@eaDir", "lost+found"):
        (films / name).mkdir()
        (films / name / "a.mp4").write_bytes(b"x")
    report = ingest(films, tmp_path / "clips", ONE)
    assert report["skipped"] == []


def test_an_address_is_no_place_for_clips(films, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="local folder"):
        ingest(films, Path("memory://clips"), ONE)
    assert [path.name for path in tmp_path.iterdir()] == ["films"]


def test_new_clips_replace_old_ones_whole(films, tmp_path):
    ingest(films, tmp_path / "clips", ONE)
    (films / "b.mkv").unlink()
    ingest(films, tmp_path / "clips", ONE)
    assert {scene.source for scene in scenes(tmp_path / "clips")} == {"a.mp4", "more/c.mp4"}
    assert {path.name for path in tmp_path.iterdir()} == {"films", "clips"}


def test_a_run_that_fails_leaves_the_old_clips_alone(films, tmp_path):
    ingest(films, tmp_path / "clips", ONE)
    before = content(tmp_path / "clips")
    for path in films.rglob("*.m*"):
        path.write_text("gone")
    with pytest.raises(InputError, match="no video that can be used"):
        ingest(films, tmp_path / "clips", ONE)
    assert content(tmp_path / "clips") == before


def test_an_interrupted_run_leaves_nothing_and_the_next_gives_the_same(films, tmp_path):
    def interrupt(done, total, note):
        if done:
            raise KeyboardInterrupt

    ingest(films, tmp_path / "whole", ONE)
    with pytest.raises(KeyboardInterrupt):
        ingest(films, tmp_path / "clips", ONE, interrupt)
    assert {path.name for path in tmp_path.iterdir()} == {"films", "whole"}
    ingest(films, tmp_path / "clips", ONE)
    assert content(tmp_path / "clips") == content(tmp_path / "whole")


def test_a_killed_run_is_cleaned_up_by_the_next(films, tmp_path):
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from playworld.data.ingest.pipeline import IngestOptions, ingest\n"
        "kill = lambda done, total, note: done and os.kill(os.getpid(), signal.SIGKILL)\n"
        "ingest(Path(sys.argv[1]), Path(sys.argv[2]), IngestOptions(workers=1), kill)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(films), str(tmp_path / "clips")])
    assert any(".clips.playworld-tmp-" in path.name for path in tmp_path.iterdir())
    ingest(films, tmp_path / "clips", ONE)
    assert {path.name for path in tmp_path.iterdir()} == {"films", "clips"}


def test_two_runs_at_one_target_are_refused(films, tmp_path):
    with alone(tmp_path / "clips", "busy"), pytest.raises(InputError, match="another run"):
        ingest(films, tmp_path / "clips", ONE)


def test_progress_rises_to_the_end(films, tmp_path):
    seen = []
    ingest(films, tmp_path / "clips", ONE, lambda *step: seen.append(step))
    done = [step[0] for step in seen]
    size = sum(path.stat().st_size for path in films.rglob("*.m*"))
    assert done == sorted(done) and done[-1] == size
    assert {step[1] for step in seen} == {size}
    assert "3 of 3 files, 90 frames" in [step[2] for step in seen]


def test_size_fps_and_fit_reach_the_frames(films, tmp_path):
    options = IngestOptions(size="32x18", fps=5, fit="pad", min_frames=8, workers=1)
    ingest(films, tmp_path / "clips", options)
    dataset = ClipDataset(tmp_path / "clips", "train", 8)
    assert (dataset.width, dataset.height, dataset.fps) == (32, 18, 5.0)
    assert dataset.read(dataset.clip(0))[:, :, :6].max() == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": "big"},
        {"size": "64"},
        {"fps": 0.0},
        {"fps": float("nan")},
        {"valid_fraction": 0.0},
        {"valid_fraction": 1.5},
        {"min_frames": 0},
        {"workers": -1},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="|".join(wrong) + "|size"):
        IngestOptions(**wrong)


KILLS = """
import os, signal, sys
from pathlib import Path
from playworld.data.ingest.pipeline import IngestOptions, ingest

kinds = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree", "open"}
videos, clips = map(Path, sys.argv[1:3])
for moment in map(int, sys.argv[3:]):
    if (child := os.fork()) == 0:
        seen = 0
        def hook(event, arguments):
            global seen
            if event in kinds and str(clips.parent) in str(arguments):
                seen += 1
                if seen == moment:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        ingest(videos, clips, IngestOptions(workers=1))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    names = sorted(path.name for path in clips.iterdir())
    print(moment, os.waitstatus_to_exitcode(status), *names, flush=True)
"""


@pytest.mark.slow
def test_a_run_killed_at_any_moment_gives_the_same_when_run_again(
    films, tmp_path, write_film, game
):
    ingest(films, tmp_path / "whole", ONE)
    (tmp_path / "old").mkdir()
    write_film(tmp_path / "old" / "a.mp4", game(200, seed=77))
    ingest(tmp_path / "old", tmp_path / "clips", ONE)
    moments = ["4", "12", "22", "36", "55", "66", "67", "68", "69", "70", "71"]  # of about 75
    paths = [str(films), str(tmp_path / "clips")]
    command = [sys.executable, "-c", KILLS, *paths, *moments]
    lines = subprocess.check_output(command, text=True).splitlines()
    killed = [line for line in lines if line.split()[1] == str(-9)]
    assert len(killed) == len(moments)
    assert all(
        {"dataset.json", "report.json", "train", "valid"} <= set(line.split()) for line in lines
    )
    ingest(films, tmp_path / "clips", ONE)
    assert content(tmp_path / "clips") == content(tmp_path / "whole")
    assert {path.name for path in tmp_path.iterdir()} == {"films", "old", "whole", "clips"}

"""Small LeRobot datasets, written here as LeRobot writes them, and what is made of them."""

import io
import json
import logging
import os
import shutil
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from playworld.config import InputError
from playworld.data.options import ImportOptions
from playworld.data.record.actions import Actions, ContinuousActions, read_actions
from playworld.data.record.import_dataset import import_dataset
from tests.parts import missing

if reason := missing("pyarrow"):
    pytest.skip(reason, allow_module_level=True)
import pyarrow as pa  # noqa: E402
from pyarrow import parquet  # noqa: E402

from tests.data.films import read_frames

FPS, LENGTHS, CAMERA = 20, (30, 24, 41), "observation.images.top"
SHORT_GROUPS = ("libx264", {"crf": "12", "g": "8"})
"""As LeRobot encodes: an episode by itself, a keyframe every few frames; with B-frames here."""


def shade(episode: int, frame: int) -> int:
    """The grey of a frame, so that any frame can be told from its neighbours."""
    return 40 + 60 * episode + 3 * (frame % 20)


def encode(path: Path, shades: list[int], codec=SHORT_GROUPS) -> None:
    name, options = codec
    with av.open(str(path), "w") as target:
        stream = target.add_stream(name, rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for value in shades:
            picture = np.full((64, 64, 3), value, np.uint8)
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        target.mux(stream.encode())


def concatenate(parts: list[Path], path: Path) -> None:
    """Packets of one file after those of the other, as LeRobot joins episodes."""
    listing = path.with_suffix(".ffconcat")
    listing.write_text("ffconcat version 1.0\n" + "".join(f"file '{p}'\n" for p in parts))
    with (
        av.open(str(listing), format="concat", options={"safe": "0"}) as source,
        av.open(str(path), "w") as target,
    ):
        copy = target.add_stream_from_template(source.streams.video[0], opaque=True)
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    listing.unlink()


def vector(episode: int, frame: int) -> list[float]:
    return [episode + frame / 64, -1.0, frame / 2]


def write_rows(path: Path, episodes: list[int], action=vector) -> None:
    rows = [(e, k) for e in episodes for k in range(LENGTHS[e])]
    columns = {
        "action": [action(e, k) for e, k in rows],
        "timestamp": pa.array([k / FPS for _, k in rows], pa.float32()),
        "frame_index": [k for _, k in rows],
        "episode_index": [e for e, _ in rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(columns), path)


def write_info(folder: Path, version: str, **other) -> None:
    chunk = "chunk-{chunk_index:03d}/file-{file_index:03d}"
    features = {
        CAMERA: {"dtype": "video", "shape": [64, 64, 3]},
        "action": {"dtype": "float32", "shape": [3], "names": {"motors": ["x", "y", "grip"]}},
    }
    info = {"codebase_version": version, "fps": FPS, "chunks_size": 2, "features": features}
    info["data_path"] = f"data/{chunk}.parquet"
    info["video_path"] = "videos/{video_key}/" + f"{chunk}.mp4"
    (folder / "meta").mkdir(parents=True, exist_ok=True)
    (folder / "meta" / "info.json").write_text(json.dumps(info | other))


@pytest.fixture
def dataset(tmp_path) -> Path:
    """Version 3: episodes 0 and 1 in one video and one table, episode 2 in others."""
    folder = tmp_path / "pusher"
    write_info(folder, "v3.0")
    videos = folder / "videos" / CAMERA / "chunk-000"
    videos.mkdir(parents=True)
    for episode, length in enumerate(LENGTHS):
        encode(tmp_path / f"{episode}.mp4", [shade(episode, k) for k in range(length)])
    concatenate([tmp_path / "0.mp4", tmp_path / "1.mp4"], videos / "file-000.mp4")
    (tmp_path / "2.mp4").rename(videos / "file-001.mp4")
    write_rows(folder / "data" / "chunk-000" / "file-000.parquet", [1, 0])
    write_rows(folder / "data" / "chunk-000" / "file-001.parquet", [2])
    begins, files = [0.0, LENGTHS[0] / FPS, 0.0], [0, 0, 1]
    table = {
        "episode_index": [0, 1, 2],
        "length": LENGTHS,
        "tasks": [["push"], ["push"], ["pull", "lift"]],
        "data/chunk_index": [0, 0, 0],
        "data/file_index": files,
        f"videos/{CAMERA}/chunk_index": [0, 0, 0],
        f"videos/{CAMERA}/file_index": files,
        f"videos/{CAMERA}/from_timestamp": begins,
        f"videos/{CAMERA}/to_timestamp": [b + n / FPS for b, n in zip(begins, LENGTHS)],  # noqa: B905
    }
    listed = folder / "meta" / "episodes" / "chunk-000" / "file-000.parquet"
    listed.parent.mkdir(parents=True)
    parquet.write_table(pa.table(table), listed)
    return folder


def shades_of(video: Path) -> list[int]:
    frames = read_frames(video, FPS, (8, 8))
    return [int(frame.mean().round()) for _, frame in frames]


def expected(episode: int) -> list[int]:
    return [shade(episode, k) for k in range(LENGTHS[episode])]


def check(videos: Path, within: int = 1) -> None:
    """Every episode has a video of exactly its frames."""
    for episode in range(3):
        found = shades_of(videos / f"pusher-top-{episode:06d}.mp4")
        np.testing.assert_allclose(found, expected(episode), atol=within)


def test_episodes_become_videos_frame_by_frame_without_encoding_them_anew(dataset, tmp_path):
    counts = import_dataset(dataset, tmp_path / "videos", ImportOptions())
    assert counts["episodes"] == counts["copied"] == 3 and counts["frames"] == 95
    assert not any(counts[k] for k in ("encoded", "skipped", "corrected", "without_actions"))
    check(tmp_path / "videos")
    assert len(list((tmp_path / "videos").iterdir())) == 6


def test_frames_of_a_written_video_lie_where_its_action_file_says(dataset, tmp_path):
    import_dataset(dataset, tmp_path / "videos", ImportOptions())
    for path in (tmp_path / "videos").glob("*.mp4"):
        with av.open(str(path)) as container:
            times = [frame.time for frame in container.decode(video=0)]
        np.testing.assert_allclose(times, read_actions(path).times, atol=1e-3)


def test_actions_are_those_of_the_episode_in_the_order_of_its_frames(dataset, tmp_path):
    import_dataset(dataset, tmp_path / "videos", ImportOptions())
    for episode, length in enumerate(LENGTHS):
        found = read_actions(tmp_path / "videos" / f"pusher-top-{episode:06d}.mp4")
        assert isinstance(found, ContinuousActions) and found.names == ("x", "y", "grip")
        assert found.vectors == tuple(tuple(vector(episode, k)) for k in range(length))
    said = json.loads((tmp_path / "videos" / "pusher-top-000002.actions.json").read_text())
    assert said["tasks"] == ["pull", "lift"] and said["camera"] == CAMERA


def test_where_packets_cannot_be_cut_frames_are_encoded_anew(dataset, tmp_path):
    joined = expected(0) + expected(1)
    path = dataset / "videos" / CAMERA / "chunk-000" / "file-000.mp4"
    encode(path, joined, ("libx264", {"crf": "4", "g": "300"}))
    counts = import_dataset(dataset, tmp_path / "videos", ImportOptions())
    assert (counts["copied"], counts["encoded"]) == (1, 2)
    check(tmp_path / "videos", within=2)


@pytest.fixture
def same_scheduler():
    """SVT-AV1 makes its process real-time where it may: what that starts later starves the rest."""
    if not hasattr(os, "sched_setscheduler"):
        yield
        return
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    yield
    os.sched_setscheduler(0, policy, priority)


def test_av1_as_lerobot_writes_it_is_copied(dataset, tmp_path, same_scheduler):
    codec = ("libsvtav1", {"g": "2", "crf": "30", "preset": "12"})
    for episode in (0, 1):
        encode(tmp_path / f"{episode}.mp4", expected(episode), codec)
    path = dataset / "videos" / CAMERA / "chunk-000" / "file-000.mp4"
    concatenate([tmp_path / "0.mp4", tmp_path / "1.mp4"], path)
    assert import_dataset(dataset, tmp_path / "videos", ImportOptions())["copied"] == 3
    check(tmp_path / "videos", within=3)


def test_version_2_has_a_file_for_each_episode(dataset, tmp_path):
    old = tmp_path / "old" / "pusher"
    name = "chunk-{episode_chunk:03d}/"
    write_info(
        old,
        "v2.1",
        video_path=f"videos/{name}{{video_key}}/episode_{{episode_index:06d}}.mp4",
        data_path=f"data/{name}episode_{{episode_index:06d}}.parquet",
    )
    lines = [{"episode_index": e, "tasks": ["push"], "length": n} for e, n in enumerate(LENGTHS)]
    listed = "\ufeff" + "\r\n\r\n".join(map(json.dumps, reversed(lines))) + "\r\n"
    (old / "meta" / "episodes.jsonl").write_text(listed, encoding="utf-8")
    for episode in range(3):
        chunk = f"chunk-{episode // 2:03d}"
        (old / "videos" / chunk / CAMERA).mkdir(parents=True, exist_ok=True)
        encode(old / "videos" / chunk / CAMERA / f"episode_{episode:06d}.mp4", expected(episode))
        write_rows(old / "data" / chunk / f"episode_{episode:06d}.parquet", [episode])
    assert import_dataset(old, tmp_path / "videos", ImportOptions())["episodes"] == 3
    check(tmp_path / "videos")


@pytest.mark.parametrize(
    ("action", "names"),
    [(lambda e, k: k % 3, ("0", "1", "2")), (lambda e, k: ["jump", "run"][k % 2], ("jump", "run"))],
    ids=["numbers", "words"],
)
def test_actions_of_a_few_kinds_are_keys(action, names, dataset, tmp_path):
    write_rows(dataset / "data" / "chunk-000" / "file-001.parquet", [2], action)
    import_dataset(dataset, tmp_path / "videos", ImportOptions())
    found = read_actions(tmp_path / "videos" / "pusher-top-000002.mp4")
    assert isinstance(found, Actions) and found.names == names
    assert [names[a] for a in found.actions[:4]] == [str(action(2, k)) for k in range(4)]


def test_an_episode_that_cannot_be_used_is_left_out_and_said(dataset, tmp_path, caplog):
    (dataset / "videos" / CAMERA / "chunk-000" / "file-001.mp4").write_bytes(b"no video")
    with caplog.at_level(logging.WARNING):
        counts = import_dataset(dataset, tmp_path / "videos", ImportOptions())
    assert (counts["episodes"], counts["skipped"]) == (2, 1)
    assert "episode 2 is left out" in caplog.text
    assert not any("000002" in path.name for path in (tmp_path / "videos").iterdir())


def test_a_video_with_fewer_frames_than_actions_is_left_out(dataset, tmp_path, caplog):
    path = dataset / "videos" / CAMERA / "chunk-000" / "file-001.mp4"
    encode(path, expected(2)[:-1])
    assert import_dataset(dataset, tmp_path / "videos", ImportOptions())["skipped"] == 1
    assert "40 frames" in caplog.text and "41" in caplog.text


def test_a_playlist_that_is_called_a_video_opens_nothing(dataset, tmp_path, caplog):
    path = dataset / "videos" / CAMERA / "chunk-000" / "file-001.mp4"
    path.rename(path.with_name("secret.mp4"))
    path.write_text(f"ffconcat version 1.0\nfile '{path.with_name('secret.mp4')}'\n")
    assert import_dataset(dataset, tmp_path / "videos", ImportOptions())["skipped"] == 1


@pytest.mark.parametrize("name", ["/etc/{chunk_index}", "../{chunk_index}", "a/../../b"])
def test_no_path_leads_out_of_the_dataset(name, dataset, tmp_path):
    write_info(dataset, "v3.0", video_path=name)
    with pytest.raises(InputError, match="leads out of the dataset"):
        import_dataset(dataset, tmp_path / "videos", ImportOptions())


@pytest.mark.parametrize(
    ("other", "camera", "said"),
    [
        ({"codebase_version": "v1.6"}, None, "versions 2 and 3"),
        ({"fps": "fast"}, None, "info.json is damaged"),
        ({"fps": 0}, None, "0.0 frames per second"),
        ({"features": {"action": {"dtype": "float32"}}}, None, "has no video"),
        ({"features": {c: {"dtype": "video"} for c in "ab"}}, None, "--camera a, b"),
        ({}, "observation.images.tip", "did you mean 'observation.images.top'"),
        ({"video_path": "{nothing}"}, None, "cannot be read"),
        ({"video_path": "{chunk_index:9999999999d}"}, None, "none of its 3 episodes"),
    ],
)
def test_a_dataset_that_cannot_be_read_says_why(other, camera, said, dataset, tmp_path):
    write_info(dataset, "v3.0", **other)
    with pytest.raises(InputError, match=said):
        import_dataset(dataset, tmp_path / "videos", ImportOptions(camera))


def test_a_folder_that_is_no_dataset_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no meta/info\.json"):
        import_dataset(tmp_path, tmp_path / "videos", ImportOptions())


def test_a_damaged_list_of_episodes_is_refused(dataset, tmp_path):
    (dataset / "meta" / "episodes" / "chunk-000" / "file-000.parquet").write_bytes(b"PAR1nothing")
    with pytest.raises(InputError, match=r"file-000\.parquet cannot be read"):
        import_dataset(dataset, tmp_path / "videos", ImportOptions())


def write_actions(dataset: Path, action) -> None:
    """Other actions in place of those of the dataset; action(k) is that of frame k."""
    rows = [
        {"episode_index": episode, "frame_index": k, "action": action(k)}
        for episode, length in enumerate(LENGTHS)
        for k in range(length)
    ]
    for path in (dataset / "data").glob("*/*.parquet"):
        parquet.write_table(pa.Table.from_pylist(rows), path)


@pytest.mark.parametrize(
    "action",
    [
        lambda k: [0.5] * (1 + (k == 0)),
        lambda k: [float("nan")] * 2,
        lambda k: None,
        lambda k: [None],
        lambda k: {"x": 1},
    ],
    ids=["lengths", "nan", "null", "null-inside", "record"],
)
def test_actions_that_make_no_sense_are_left_out_and_the_video_is_not(
    action, dataset, tmp_path, caplog
):
    write_actions(dataset, action)
    counts = import_dataset(dataset, tmp_path / "videos", ImportOptions())
    assert counts["without_actions"] == counts["episodes"] == 3
    assert "imported without actions" in caplog.text and "episodes 0, 1, 2" in caplog.text
    assert not list((tmp_path / "videos").glob("*.json"))


def test_an_action_may_be_one_number_or_a_list_of_lists(dataset, tmp_path):
    write_actions(dataset, lambda k: [[0.5, k], [1.0, 2.0]])
    import_dataset(dataset, tmp_path / "videos", ImportOptions())
    assert read_actions(next((tmp_path / "videos").glob("*.mp4"))).vectors[3] == (0.5, 3, 1, 2)
    write_actions(dataset, lambda k: k / 8)
    import_dataset(dataset, tmp_path / "videos", ImportOptions())
    assert read_actions(next((tmp_path / "videos").glob("*.mp4"))).vectors[3] == (0.375,)


def change_list(dataset: Path, **columns) -> None:
    """Other columns in the list of episodes; None takes one away."""
    path = next((dataset / "meta" / "episodes").glob("*/*.parquet"))
    table = parquet.read_table(path).to_pydict()
    for name, values in columns.items():
        name = name if name in table else f"videos/{CAMERA}/{name}"
        if values is None:
            del table[name]
        else:
            table[name] = values
    parquet.write_table(pa.table(table), path)


@pytest.mark.parametrize("frames_off", [-3.0, -0.6, 0.4, 1.0])
def test_a_start_time_beside_the_frames_is_corrected_and_said(
    frames_off, dataset, tmp_path, caplog
):
    change_list(dataset, from_timestamp=[0.0, (LENGTHS[0] + frames_off) / FPS, 0.0])
    counts = import_dataset(dataset, tmp_path / "videos", ImportOptions())
    assert (counts["episodes"], counts["corrected"]) == (3, 1)
    assert f"episode 1 begins {frames_off:+.2f} frames off" in caplog.text
    check(tmp_path / "videos")


def test_episodes_that_claim_frames_they_cannot_have_are_left_out_and_said(
    dataset, tmp_path, caplog
):
    path = dataset / "videos" / CAMERA / "chunk-000" / "file-000.mp4"
    encode(path, expected(0) + expected(1) + [250] * 10)  # of an episode that is not listed
    change_list(dataset, from_timestamp=[0.0, (LENGTHS[0] - 1) / FPS, 0.0])
    counts = import_dataset(dataset, tmp_path / "videos", ImportOptions())
    assert (counts["episodes"], counts["skipped"]) == (1, 2)
    assert "it overlaps with episode 0" in caplog.text


def test_a_video_without_a_true_action_is_imported_for_training(dataset, tmp_path, caplog):
    rows = [(e, k) for e in (0, 1, 2) for k in range(LENGTHS[e])]
    for path in (dataset / "data").glob("*/*.parquet"):
        columns = {"episode_index": [e for e, _ in rows], "actions": [[k / 64] for _, k in rows]}
        parquet.write_table(pa.table(columns), path)
    counts = import_dataset(dataset, tmp_path / "videos", ImportOptions())
    assert counts["episodes"] == counts["without_actions"] == 3
    assert "there is no column 'action' but actions, episode_index" in caplog.text
    check(tmp_path / "videos")
    options = ImportOptions(action="actions")
    assert import_dataset(dataset, tmp_path / "videos", options)["without_actions"] == 0
    assert not import_dataset(dataset, tmp_path / "videos", options)["skipped"]


def test_a_dataset_without_tasks_or_rows_is_imported_for_training(dataset, tmp_path):
    change_list(dataset, tasks=None)
    next((dataset / "data").glob("*/file-001.parquet")).unlink()
    counts = import_dataset(dataset, tmp_path / "videos", ImportOptions())
    assert (counts["episodes"], counts["without_actions"]) == (3, 1)
    said = json.loads((tmp_path / "videos" / "pusher-top-000000.actions.json").read_text())
    assert said["tasks"] == []


def test_an_episode_whose_description_has_holes_costs_no_other(dataset, tmp_path, caplog):
    change_list(dataset, length=[*LENGTHS[:2], None], tasks=[None, [None], None])
    counts = import_dataset(dataset, tmp_path / "videos", ImportOptions())
    assert (counts["episodes"], counts["skipped"]) == (2, 1)
    assert "episode 2 is left out: its description makes no sense" in caplog.text


def test_a_byte_order_mark_and_blank_lines_are_passed_over(dataset, tmp_path):
    info = dataset / "meta" / "info.json"
    info.write_bytes(b"\xef\xbb\xbf" + info.read_bytes() + b"\r\n\r\n")
    assert import_dataset(dataset, tmp_path / "videos", ImportOptions())["episodes"] == 3


def test_a_wrong_rate_gives_way_to_that_of_the_videos(dataset, tmp_path, caplog):
    write_info(dataset, "v3.0", fps=30)
    import_dataset(dataset, tmp_path / "videos", ImportOptions())
    path = next((tmp_path / "videos").glob("*.actions.json"))
    assert json.loads(path.read_text())["fps"] == pytest.approx(FPS)
    assert "says 30 frames per second, its videos have 20" in caplog.text


def test_a_camera_of_depth_is_taken_only_when_it_is_named(dataset, tmp_path):
    features = json.loads((dataset / "meta" / "info.json").read_text())["features"]
    features["depth"] = {"dtype": "video", "info": {"video.is_depth_map": True}}
    write_info(dataset, "v3.0", features=features)
    assert import_dataset(dataset, tmp_path / "videos", ImportOptions())["episodes"] == 3


def picture(value: int, kind: str = "PNG") -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (34, 22), (value, value, value)).save(content, kind)
    return content.getvalue()


def of_pictures(dataset: Path) -> None:
    """The same dataset with `use_videos=False`: no videos, and the camera holds pictures."""
    shutil.rmtree(dataset / "videos")
    features = {CAMERA: {"dtype": "image", "shape": [22, 34, 3]}, "action": {"dtype": "float32"}}
    write_info(dataset, "v3.0", features=features, video_path=None)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_pictures_in_parquet_become_videos_without_a_loss(kind, dataset, tmp_path):
    of_pictures(dataset)
    rows = [
        {
            "episode_index": episode,
            "frame_index": k,
            "action": vector(episode, k),
            CAMERA: {"bytes": picture(shade(episode, k), kind), "path": f"frame_{k:06d}.png"},
        }
        for episode in (1, 0, 2)
        for k in reversed(range(LENGTHS[episode]))
    ]
    for path in (dataset / "data").glob("*/*.parquet"):
        parquet.write_table(pa.Table.from_pylist(rows), path)
    counts = import_dataset(dataset, tmp_path / "videos", ImportOptions())
    assert counts["episodes"] == counts["encoded"] == 3 and not counts["without_actions"]
    check(tmp_path / "videos", within=0)


def test_picture_files_become_videos(dataset, tmp_path):
    of_pictures(dataset)
    for episode, length in enumerate(LENGTHS):
        folder = dataset / "images" / CAMERA / f"episode_{episode:06d}"
        folder.mkdir(parents=True)
        for k in range(length):
            (folder / f"frame_{k:06d}.png").write_bytes(picture(shade(episode, k)))
    (folder / "frame_000040.png").unlink()
    counts = import_dataset(dataset, tmp_path / "videos", ImportOptions())
    assert (counts["episodes"], counts["skipped"]) == (2, 1)
    assert shades_of(tmp_path / "videos" / "pusher-top-000001.mp4") == expected(1)


def test_pictures_that_are_none_are_left_out_and_said(dataset, tmp_path):
    of_pictures(dataset)
    with pytest.raises(InputError, match=r"has no pictures: no column 'observation\.images\.top'"):
        import_dataset(dataset, tmp_path / "videos", ImportOptions())


def test_large_whole_numbers_are_no_keys(dataset, tmp_path):
    write_actions(dataset, lambda k: 300_000_000 + k)
    import_dataset(dataset, tmp_path / "videos", ImportOptions())
    actions = read_actions(next((tmp_path / "videos").glob("*.mp4")))
    assert isinstance(actions, ContinuousActions)
    assert actions.vectors[1] == (300_000_001.0,)

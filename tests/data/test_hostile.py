import hashlib
import os
import signal
import socket
import stat
import sys

import pytest

from playworld.data.clips.shards import ShardReader
from playworld.data.ingest.pipeline import IngestOptions, ingest
from playworld.data.video.fork_server import ForkServer
from playworld.data.video.reader import DecodeLimits, VideoError, probe, read_frames
from tests.data.hostile import PLAYLISTS, TINY, absurd, mutant

LIMITS = DecodeLimits(memory_mb=1024, stall_seconds=60, total_seconds=60)
ALL_FRAMES = IngestOptions(fps=20, workers=2)


@pytest.fixture(scope="module")
def fork_server():
    with ForkServer() as fork_server:
        yield fork_server


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, write_film, game):
    """A film of 8 frames in each container, as bytes."""
    folder = tmp_path_factory.mktemp("tiny")
    return {
        kind: write_film(folder / f"a.{kind}", game(8), codec=codec).read_bytes()
        for kind, codec in TINY.items()
    }


def outcome(path, fork_server):
    """How many frames come out, or why none do."""
    try:
        shapes = [
            f.shape
            for _, f in read_frames(path, 20, (16, 16), limits=LIMITS, fork_server=fork_server)
        ]
    except VideoError as error:
        assert str(error) and "\n" not in str(error) and str(path.parent) not in str(error)
        return str(error)
    assert set(shapes) <= {(16, 16, 3)}
    return len(shapes)


def check_mutants(kind, seeds, tiny, fork_server, folder):
    outcomes = []
    for seed in seeds:
        path = folder / f"{seed}.{kind}"
        path.write_bytes(mutant(tiny[kind], seed))
        outcomes.append(outcome(path, fork_server))
        path.unlink()
    (folder / f"whole.{kind}").write_bytes(tiny[kind])
    assert outcome(folder / f"whole.{kind}", fork_server) >= 7
    # A GIF holds nothing to tell damage by.
    assert kind == "gif" or any(isinstance(o, str) for o in outcomes), "no mutant was damaged"
    assert not any("silent" in str(o) for o in outcomes), "a mutant hangs"


@pytest.mark.parametrize("kind", TINY)
def test_mutants_are_read_or_refused_with_a_reason(kind, tiny, fork_server, tmp_path):
    check_mutants(kind, range(15), tiny, fork_server, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TINY)
def test_many_more_mutants_are_read_or_refused(kind, tiny, fork_server, tmp_path):
    check_mutants(kind, range(15, 75), tiny, fork_server, tmp_path)


@pytest.mark.parametrize("name", PLAYLISTS)
@pytest.mark.parametrize("ending", ["mp4", "own"])
def test_a_playlist_opens_no_neighbour_and_no_address(name, ending, fork_server, tmp_path):
    os.mkfifo(tmp_path / "secret.mp4")  # whoever opens it waits for ever
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/secret.mp4"
        endings = {"hls": "m3u8", "hls over http": "m3u8", "dash": "mpd", "images": "%03d.png"}
        path = tmp_path / f"clip.{endings.get(name, name) if ending == 'own' else 'mp4'}"
        path.write_text(PLAYLISTS[name].format(name="secret.mp4", url=url))
        with pytest.raises(VideoError, match="not a video"):
            probe(path, DecodeLimits(stall_seconds=30), fork_server)
        server.settimeout(0)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_small_files_that_claim_to_be_giants_are_refused(tiny, fork_server, tmp_path):
    for name, data in absurd(tiny["gif"]).items():
        (tmp_path / name).write_bytes(data)
        assert isinstance(outcome(tmp_path / name, fork_server), str), name


NAMES = [
    "-i.mp4", "--help", "%03d.mp4", "concat:a|b.mp4", "http:127.0.0.1.mp4", "pipe:0", "a'b\"c.mp4",
    "two\nlines.mp4", "tab\t.mp4", "a?b*[c].mp4", " space ", "ünï🎮.mp4", "\u202egpj.mp4",
    "subfile,,start,0,end,9,,:a.mp4", "x" * 251 + ".mp4", "\\back\\slash.mp4",
]  # fmt: skip


def test_odd_names_are_read_like_any_other(tiny, tmp_path, write_film, game):
    (tmp_path / "films").mkdir()
    for number, name in enumerate(NAMES):
        write_film(tmp_path / "a.mp4", game(17, seed=number))
        (tmp_path / "a.mp4").rename(tmp_path / "films" / name)
    os.link(tmp_path / "films" / "-i.mp4", os.fsencode(tmp_path / "films") + b"/\xff\xfe.mp4")
    report = ingest(tmp_path / "films", tmp_path / "clips", ALL_FRAMES)
    assert {entry["source"] for entry in report["ok"]} == set(NAMES)
    (skipped,) = report["skipped"]
    assert skipped["reason"] == "its name is not UTF-8" and skipped["source"].isascii()


def add_hostile_files(folder, tiny, outside):
    """One of everything that is no good video, some of it in folders."""
    (folder / "bad").mkdir()
    for seed in range(20):
        kind = list(TINY)[seed % len(TINY)]
        (folder / "bad" / f"mutant-{seed}.{kind}").write_bytes(mutant(tiny[kind], seed))
    for name, data in absurd(tiny["gif"]).items():
        (folder / f"absurd-{name}").write_bytes(data)
    for number, text in enumerate(PLAYLISTS.values()):
        content = text.format(name="film-0.mp4", url="http://127.0.0.1:9/a.mp4")
        (folder / f"{number}-playlist.mp4").write_text(content)
    (folder / "empty.mp4").touch()
    (folder / "a link.mp4").symlink_to(folder / "film-1.mp4")
    (folder / "a loop").symlink_to(folder)
    (folder / "nowhere.mp4").symlink_to(outside / "missing.mp4")
    (folder / "zero.mp4").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.mp4")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(folder)  # the name of a socket has 107 bytes at most
        listener.bind("socket.mp4")
    try:
        os.mknod(folder / "device.mp4", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:  # only root may
        pass


def scene_hashes(clips):
    """The frames of every scene, by its video and beginning."""
    found = {}
    for split in ("train", "valid"):
        reader = ShardReader(clips / split)
        for number, scene in enumerate(reader.scenes):
            frames = reader.read(number, 0, scene.num_frames)
            found[scene.source, scene.times[0]] = hashlib.sha256(frames.tobytes()).hexdigest()
    return found


@pytest.mark.slow
def test_ten_good_files_come_out_the_same_among_hostile_ones(
    tiny, tmp_path, write_film, game, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    films = tmp_path / "films"
    films.mkdir()
    for number in range(10):
        write_film(films / f"film-{number}.mp4", game(20, seed=100 + number))
    ingest(films, tmp_path / "alone", ALL_FRAMES)
    add_hostile_files(films, tiny, tmp_path)
    report = ingest(films, tmp_path / "among", ALL_FRAMES)
    alone, among = scene_hashes(tmp_path / "alone"), scene_hashes(tmp_path / "among")
    assert len(alone) == 10 and alone.items() <= among.items()
    reasons = {entry["source"]: entry["reason"] for entry in report["skipped"]}
    assert {source for source, _ in among} | set(reasons) == {
        path.relative_to(films).as_posix() for path in films.rglob("*") if path.name != "bad"
    }
    for name in ("pipe.mp4", "socket.mp4"):
        assert reasons[name] == "not a regular file"
    assert "leaves the folder" in reasons["zero.mp4"] and "leaves" in reasons["nowhere.mp4"]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("ten-bit.mp4", ("libx264", "yuv420p10le", {"crf": "1"})),
        ("hdr.mkv", ("libx265", "yuv420p10le", {"crf": "1", "x265-params": "log-level=none"})),
        ("interlaced.ts", ("mpeg2video", "yuv420p", {"flags": "+ildct+ilme", "b": "4000000"})),
        ("prores.mov", ("prores_ks", "yuv422p10le", {})),
    ],
)
def test_deep_and_interlaced_pictures_are_read(
    name, codec, fork_server, tmp_path, write_film, shades
):
    path = write_film(tmp_path / name, 20 * shades(10, 64, 64), codec=codec)
    frames = [frame for _, frame in read_frames(path, 20, (64, 64), fork_server=fork_server)]
    assert len(frames) == 10
    assert all(abs(frame.mean() - 20 * k) < 6 for k, frame in enumerate(frames))


def test_a_child_that_crashes_takes_nothing_with_it(fork_server, tmp_path, write_film, shades):
    path = write_film(tmp_path / "a.mp4", shades(40))
    stream = read_frames(path, 20, (16, 16), fork_server=fork_server)
    next(stream)
    victim = fork_server.start()
    os.kill(victim.pid, signal.SIGSEGV)
    assert victim.socket.recv(1) == b""  # as a crash is noticed
    assert victim.cause_of_death() == "the decoder crashed (SIGSEGV)"
    assert len(list(stream)) == 39
    assert outcome(path, fork_server) == 40


def test_the_fork_server_forks_from_a_process_without_threads(fork_server):
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    fork_server.start().end()
    assert len(os.listdir(f"/proc/{fork_server.pid}/task")) == 1

import functools
import os
import signal
import subprocess
import sys

import pytest

from playworld.config import InputError
from playworld.data.ingest import executors
from playworld.data.ingest.pipeline import IngestOptions, ingest, ingest_file
from playworld.data.video.fork_server import ForkServer, ForkServerClosed
from playworld.data.video.reader import Decoding

ONE = IngestOptions(workers=1)


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.needs("ray")
def test_a_ray_cluster_makes_the_same_clips(tmp_path, write_film, game):
    (tmp_path / "films").mkdir()
    for seed in range(3):
        write_film(tmp_path / "films" / f"{seed}.mp4", game(40, seed=seed))
    (tmp_path / "films" / "bad.mp4").write_text("no film")
    command = [sys.executable, "-m", "playworld", "ingest", "films", "on-ray", "--engine", "ray"]
    # Workers that give way to everything else take minutes to start on a busy machine. A cluster of
    # its own: that of another test may end meanwhile.
    environment = os.environ | {"RAY_worker_niceness": "0", "RAY_ADDRESS": "local"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ingest(tmp_path / "films", tmp_path / "here", ONE)
    assert files(tmp_path / "on-ray") == files(tmp_path / "here")


def test_without_ray_one_is_told_how_to_get_it(tmp_path, monkeypatch, write_film, game):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")  # put back what is set on the way
    (tmp_path / "films").mkdir()
    write_film(tmp_path / "films" / "a.mp4", game(4))
    with pytest.raises(InputError, match=r"pip install 'playworld\[scale\]'"):
        ingest(tmp_path / "films", tmp_path / "clips", IngestOptions(engine="ray"))


@pytest.mark.timeout(50)
def test_an_interrupt_does_not_wait_for_a_decoder_that_hangs(tmp_path):
    os.mkfifo(tmp_path / "a.mp4")  # its decoder would be given up after 60 seconds
    job = executors.Job(tmp_path / "a.mp4", "a.mp4", 1, tmp_path / "part")
    calls = []

    def interrupt(done, total, note):
        calls.append(note)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        executors.run("local", functools.partial(ingest_file, ONE), [job], 1, interrupt)


def test_a_closed_fork_server_stops_what_is_being_decoded(tmp_path, write_film, shades):
    path = write_film(tmp_path / "a.mp4", shades(1_000))  # more than a socket holds
    with (
        ForkServer() as fork_server,
        Decoding(path, 20, (16, 16), fork_server=fork_server) as decoding,
    ):
        stream = iter(decoding)
        next(stream)
        fork_server.close()
        with pytest.raises(ForkServerClosed):
            list(stream)
        with pytest.raises(ForkServerClosed):
            fork_server.start()


def test_a_fork_server_that_dies_is_noticed_and_not_taken_for_bad_videos(tmp_path):
    with ForkServer() as fork_server:
        os.kill(fork_server.pid, signal.SIGKILL)
        with pytest.raises(RuntimeError, match="has died"):
            fork_server.start()

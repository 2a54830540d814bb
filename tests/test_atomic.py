import fcntl
import os
import signal
import subprocess
import sys
import threading

import pytest

from playworld.atomic import alone
from playworld.config import InputError

HOLDS = """
import sys, time
from pathlib import Path
from playworld.atomic import alone
with alone(Path(sys.argv[1])):
    print("has it", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that is alone at `tmp_path / "it"`."""
    command = [sys.executable, "-c", HOLDS, str(tmp_path / "it")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "has it\n"
        yield process
        process.kill()


def test_the_second_is_told(holder, tmp_path):
    with pytest.raises(InputError, match="wait for it"), alone(tmp_path / "it", "wait for it"):
        pytest.fail("both are alone")


def test_another_path_is_free(holder, tmp_path):
    with alone(tmp_path / "other", "busy"):
        pass


def test_the_lock_of_a_killed_process_is_free(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert (tmp_path / ".it.lock").exists()
    with alone(tmp_path / "it", "busy"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_who_waits_is_let_in_one_after_the_other(tmp_path):
    within, most, lock = 0, [], threading.Lock()

    def work():
        nonlocal within
        for _ in range(50):
            with alone(tmp_path / "it"):
                with lock:
                    within += 1
                    most.append(within)
                with lock:
                    within -= 1

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert len(most) == 200 and max(most) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_system_that_says_eacces_means_busy(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(InputError, match="busy"), alone(tmp_path / "it", "busy"):
        pass


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file cannot be written"), alone(tmp_path / "file" / "it"):
        pass

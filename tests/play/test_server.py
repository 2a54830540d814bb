import json
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from playworld.config import InputError
from playworld.play import PlayOptions, serve

from .conftest import Served


def socket_url(served: Served) -> str:
    return served.url.replace("http", "ws") + "api/v1/socket"


def test_it_says_where_it_answers(served):
    assert json.load(urlopen(served.url + "readyz")) == {"status": "ready"}


def test_it_listens_on_this_machine_alone(served):
    assert served.url.startswith("http://127.0.0.1:")


def test_a_message_over_4_kib_is_not_read(served):
    with connect(socket_url(served)) as line:
        line.send(json.dumps({"type": "join", "session": "x" * 5000}))
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(timeout=5)
    assert closed.value.rcvd.code == 1009


def test_frames_are_not_compressed_twice(served):
    with connect(socket_url(served)) as line:
        assert line.protocol.extensions == []


def test_the_client_of_the_docs_plays(served, tmp_path):
    docs = Path(__file__).parents[2] / "docs" / "serve.md"
    section = docs.read_text().split("## A client in Python")[1]
    program = section.split("```python\n")[1].split("```")[0]
    assert 20 <= len(program.splitlines()) <= 40
    command = [sys.executable, "-c", program, served.url.rstrip("/")]
    said = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert said.startswith("frame 1 is node 1: ") and len(said.splitlines()) == 20
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 12


def test_the_answer_does_not_say_what_serves_it(served):
    assert "server" not in {name.lower() for name in urlopen(served.url).headers}


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_while_somebody_plays(world_folder, how):
    with Served(world_folder) as served, connect(socket_url(served)) as line:
        line.send('{"type": "join"}')
        line.recv(timeout=5)
        line.send('{"type": "start", "id": 1, "pictures": ["prompt:0"]}')
        line.recv(timeout=5)
        line.send('{"type": "settings", "id": 2, "steps": 64, "temperature": 1}')
        line.send('{"type": "press", "id": 3, "button": 0}')
        time.sleep(0.05)  # the frame is under way, and takes longer than the signal
        assert (served.stop(how), served.process.exitcode) == ("ended\n", 0)
        answered = []
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                answered.append(struct.unpack("<BxxxIII", line.recv(timeout=5)[:16])[1])
    assert closed.value.rcvd.code == 1012 and answered == [3]


@pytest.mark.slow
def test_the_next_port_is_taken_where_the_first_is_not_free(served, world_folder):
    with Served(world_folder, served.port) as second:
        assert served.port < second.port < served.port + 50


def test_an_address_that_is_not_ours_is_a_clear_error(random_world):
    with pytest.raises(InputError, match="cannot listen at 192.0.2.1"):
        serve(random_world, PlayOptions(host="192.0.2.1"))


def test_no_free_port_is_a_clear_error(random_world):
    with socket.create_server(("127.0.0.1", 65535)) as taken:
        assert taken.getsockname()[1] == 65535
        with pytest.raises(InputError, match="taken; choose another --port"):
            serve(random_world, PlayOptions(port=65535))


def test_reading_the_options_does_not_wait_for_the_server():
    program = (
        "import sys; from playworld.play import PlayOptions; "
        "assert not {'torch', 'fastapi', 'uvicorn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

"""A real server among strangers: each attack is bounded in count and time, and on loopback."""

import signal
import socket
import sys
import threading
import time

import pytest
from websockets.sync.client import connect

from .attacks import (
    CONTINUATION,
    HEADERS,
    PING,
    TEXT,
    dial,
    everything,
    frame,
    health,
    is_closed,
    many,
    resident,
    session,
    upgraded,
    upload,
)
from .conftest import Served, picture_bytes
from .test_images import bomb, many_scans

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.2 and /proc")
FEW = {"max_connections": 60, "max_connections_per_address": 40}
ELSEWHERE = "127.0.0.2"


@pytest.fixture(scope="module")
def server(world_folder):
    with Served(world_folder, **FEW) as served:
        yield served


@pytest.mark.parametrize(
    "said",
    [b"", f"GET / HTTP/1.1\r\n{HEADERS}", "GET / HTTP/1.1\r\nX: " + 5000 * "x"],
    ids=["nothing", "half a header", "a long half"],
)
@pytest.mark.parametrize("source", ["127.0.0.1", ELSEWHERE])
def test_sockets_that_ask_for_nothing_keep_nobody_out(server, said, source):
    with many(100, server.port, said):
        assert health(server.port, source) < 2


def test_websockets_that_never_join_keep_nobody_out(server):
    lines = [upgraded(server.port) for _ in range(60)]
    assert max(health(server.port), health(server.port, ELSEWHERE)) < 2
    for line in lines:
        line.close()


def test_bodies_that_trickle_keep_nobody_out(server):
    said = f"POST /api/v1/welcome HTTP/1.1\r\n{HEADERS}Content-Length: 9\r\n\r\nx"
    with many(60, server.port, said):
        assert max(health(server.port), health(server.port, ELSEWHERE)) < 2


@pytest.mark.slow
def test_an_address_that_has_all_its_connections_is_told_when_to_come_again(world_folder):
    with Served(world_folder, max_connections_per_address=2) as server:
        url = server.url.replace("http", "ws") + "api/v1/socket"
        with connect(url) as one, connect(url) as two:
            for line in (one, two):
                line.send('{"type": "join"}')
                line.recv(timeout=10)
            with dial(server.port, f"GET / HTTP/1.1\r\n{HEADERS}\r\n") as third:
                answer = everything(third)
            assert answer.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 10" in answer
            assert health(server.port, ELSEWHERE) < 2


@pytest.mark.slow
def test_descriptors_that_are_all_taken_stop_nothing_for_long(world_folder):
    with Served(world_folder, files=120) as server:
        with many(300, server.port):
            assert health(server.port) < 3
        assert health(server.port) < 1
        said = server.stop(signal.SIGTERM)
    assert server.process.exitcode == 0 and len(said) < 1000, said


@pytest.mark.parametrize("content", [b"", 125 * b"x"])
def test_a_flood_of_pings_ends_its_connection_and_takes_no_memory(server, content):
    before = resident(server.process.pid)
    with upgraded(server.port) as line:
        line.settimeout(5)
        try:
            for _ in range(200):
                line.sendall(500 * frame(PING, content))
        except OSError:
            pass
        assert health(server.port) < 2
        assert is_closed(line, 10)
    assert resident(server.process.pid) - before < 20e6


def test_fragments_without_content_are_counted(server):
    with upgraded(server.port) as line:
        line.sendall(frame(TEXT, last=False) + 64 * frame(CONTINUATION, last=False))
        assert b"64 frames at most" in everything(line, 10)


def test_a_message_in_a_few_fragments_is_understood(server):
    with upgraded(server.port) as line:
        parts = [b'{"type": ', b'"jo', b"", b'in"}']
        line.sendall(frame(TEXT, parts[0], last=False) + frame(CONTINUATION, parts[1], last=False))
        line.sendall(frame(CONTINUATION, parts[2], last=False) + frame(CONTINUATION, parts[3]))
        line.settimeout(10)
        assert b"joined" in line.recv(4096)


def test_a_message_that_comes_byte_by_byte_is_understood(server):
    with upgraded(server.port) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in frame(TEXT, b'{"type": "join"}'):
            line.send(bytes([byte]))
        line.settimeout(10)
        assert b"joined" in line.recv(4096)


@pytest.mark.slow
def test_text_that_is_not_utf8_is_refused_and_leaves_no_traceback(world_folder):
    with Served(world_folder) as server:
        with upgraded(server.port) as line:
            line.sendall(frame(TEXT, b"\xff\xfe"))
            assert b"UTF-8" in everything(line, 10)
        for said in (b"GET /\xff HTTP/1.1\r\n\r\n", b"\x16\x03\x01\r\n\r\n"):
            with dial(server.port, said) as line:
                everything(line)
        requests = [
            "GET /%ff%fe HTTP/1.1\r\nHost: \xff",
            "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: \xff",
        ]
        requests += [
            "GET /api/v1/timeline HTTP/1.1\r\nHost: localhost\r\nX-Playworld-Session: \xff"
        ]
        for said in requests:
            with dial(
                server.port, said.encode("latin-1") + b"\r\nConnection: close\r\n\r\n"
            ) as line:
                assert everything(line).startswith(b"HTTP/1.1 40")
        log = server.stop()
    assert "Traceback" not in log and len(log.splitlines()) < 8, log


@pytest.mark.slow
def test_bad_requests_do_not_fill_the_log(world_folder):
    with Served(world_folder) as server:
        for said in (
            b"nonsense\r\n\r\n",
            f"GET / HTTP/1.1\r\n{HEADERS}Connection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        ):
            for _ in range(30):
                with dial(server.port, said) as line:
                    assert line.recv(100).startswith(b"HTTP/1.1 ")
        log = server.stop()
    assert len(log.splitlines()) < 6, log


def test_a_header_without_end_is_refused(server):
    with dial(server.port, "GET / HTTP/1.1\r\nX: " + 20_000 * "x") as line:
        assert everything(line).startswith(b"HTTP/1.1 400")


def test_a_body_in_tiny_chunks_is_refused(server):
    said = f"POST /api/v1/picture HTTP/1.1\r\n{HEADERS}Transfer-Encoding: chunked\r\n\r\n"
    with dial(server.port, said) as line:
        line.sendall(5000 * b"1\r\nx\r\n")
        assert everything(line).startswith(b"HTTP/1.1 4")
    assert health(server.port) < 1


@pytest.mark.slow
def test_a_request_that_breaks_off_into_nonsense_leaves_no_traceback(world_folder):
    head = f"POST /api/v1/picture HTTP/1.1\r\n{HEADERS}Transfer-Encoding: chunked\r\n\r\n"
    with Served(world_folder) as server:
        for rest in ("zz\r\n", 300 * "1\r\nx\r\n", "1\r\nxyz", "-1\r\n"):
            with dial(server.port, head + rest) as line:
                assert everything(line).startswith(b"HTTP/1.1 4")
        log = server.stop()
    assert "Traceback" not in log, log


def test_many_requests_at_once_on_one_connection_are_all_answered(server):
    one = f"GET /healthz HTTP/1.1\r\n{HEADERS}"
    with dial(server.port, 200 * f"{one}\r\n" + f"{one}Connection: close\r\n\r\n") as line:
        assert everything(line, 20).count(b"HTTP/1.1 200 OK") == 201


def trickle(server, id: str) -> socket.socket:
    """An upload that never ends."""
    head = f"POST /api/v1/picture HTTP/1.1\r\n{HEADERS}X-Playworld-Session: {id}\r\n"
    return dial(server.port, head + "Content-Length: 9000000\r\n\r\nx")


def test_uploads_that_trickle_make_no_other_session_wait(server):
    with session(server.url) as slow, session(server.url) as other:
        lines = [trickle(server, slow) for _ in range(20)]
        status, _, seconds = upload(server.url, other, picture_bytes(0))
        assert status == 200 and seconds < 5
        status, said, _ = upload(server.url, slow, picture_bytes(0))
        assert (status, said["detail"]) == (429, "Too many pictures at once. Try again soon.")
        for line in lines:
            line.close()


def test_a_picture_of_much_work_is_refused_at_once(server):
    with session(server.url) as id:
        for content in (bomb(1, 25_000_000), many_scans(1000, 20_000)):
            status, _, seconds = upload(server.url, id, content)
            assert status == 400 and seconds < 5


def test_a_heavy_picture_makes_no_light_one_wait(server):
    with session(server.url) as slow, session(server.url) as other:
        heavy = threading.Thread(target=upload, args=(server.url, slow, many_scans(2000, 100)))
        heavy.start()
        status, _, seconds = upload(server.url, other, picture_bytes(0))
        assert status == 200 and seconds < 3
        heavy.join()


@pytest.mark.slow
def test_a_signal_ends_it_in_time_with_uploads_in_hand(world_folder):
    with Served(world_folder) as server, session(server.url) as one, session(server.url) as two:
        answers = []
        heavy = threading.Thread(
            target=lambda: answers.append(upload(server.url, one, many_scans(4000, 20)))
        )
        heavy.start()
        with trickle(server, two) as line:
            time.sleep(0.3)  # both are in hand
            began = time.monotonic()
            log = server.stop(signal.SIGTERM)
            assert time.monotonic() - began < 12 and server.process.exitcode == 0
            assert b"503 Service Unavailable" in everything(line)
        heavy.join()
    assert answers[0][0] in (200, 503) and "Traceback" not in log, log


@pytest.mark.slow
def test_a_connection_without_a_whole_request_ends_after_ten_seconds(server):
    parts = [
        b"",
        f"GET / HTTP/1.1\r\n{HEADERS}",
        f"GET /healthz HTTP/1.1\r\n{HEADERS}\r\n",
        f"GET /healthz HTTP/1.1\r\n{HEADERS}\r\nGET / HT",
        f"GET /healthz HTTP/1.1\r\n{HEADERS}Content-Length: 5\r\n\r\nx",
    ]
    lines = [dial(server.port, said) for said in parts]  # all wait at once
    assert [is_closed(line, 13) for line in lines] == [True] * 5
    for line in lines:
        line.close()


@pytest.mark.slow
def test_a_reader_that_reads_nothing_is_cut_off(server):
    one = f"GET /page/style.css HTTP/1.1\r\n{HEADERS}\r\n"
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", server.port))
        line.settimeout(1)
        ended = time.monotonic() + 40
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while time.monotonic() < ended:
                try:
                    line.send(one.encode())
                except TimeoutError:
                    time.sleep(0.5)

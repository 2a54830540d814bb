import asyncio
import contextlib
import re
import socket
import subprocess
import time

import pytest

from playworld.config import InputError
from playworld.play.store.game_store import GameStore, StoreFailed, open_store
from playworld.play.store.sql_table import SqlTable
from playworld.play.store.table import Change, Table, Written

from .conftest import SOCKET, make_client, picture_bytes
from .test_conversation import ask, ask_for, close_code, join

ID = "a" * 32


@pytest.fixture(scope="module")
def redis_url():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    import redis

    url = f"redis://127.0.0.1:{port}/0"
    with redis.Redis.from_url(url) as client:
        while True:
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                break
            time.sleep(0.02)
    yield url
    server.terminate()
    server.wait()


@pytest.fixture(params=["file", pytest.param("redis", marks=pytest.mark.needs("redis"))])
def where(request, tmp_path):
    """A store: a file, or the address of a server."""
    if request.param == "file":
        return str(tmp_path / "games.db")
    return request.getfixturevalue("redis_url")


@pytest.fixture
def table(where):
    if where.startswith("redis"):
        from playworld.play.store.redis_table import RedisTable

        table = RedisTable(where, 60.0)
    else:
        table = SqlTable(where, 60.0, 1e9)
    yield table
    table.close()


def frames(base: int, *names: bytes, head: bytes | None = None) -> Change:
    return Change(b"state", base, [b"about " + n for n in names], list(names), head)


def test_a_game_is_read_as_it_was_written(table):
    epoch = table.create(ID)
    assert table.write(ID, epoch, frames(0, b"0", b"1", b"2", head=b"head")) is Written.OK
    assert table.write(ID, epoch, frames(1, b"x")) is Written.OK
    kept = table.read(ID)
    assert (kept.epoch, kept.head, kept.state) == (epoch, b"head", b"state")
    assert kept.about == [b"about 0", b"about x"]
    assert table.bodies(ID, [1, 0, 2]) == [b"x", b"0"]


def test_who_has_lost_a_game_to_another_changes_nothing(table):
    first = table.create(ID)
    second = table.claim(ID)
    assert table.write(ID, first, frames(0, b"0")) is Written.LOST
    assert table.write(ID, second, frames(0, b"1")) is Written.OK
    assert table.bodies(ID, [0]) == [b"1"]


def test_a_change_to_what_the_store_lacks_asks_for_the_whole_game(table):
    epoch = table.create(ID)
    assert table.write(ID, epoch, frames(1, b"1")) is Written.GAP
    assert table.write("b" * 32, epoch, frames(0, b"0")) is Written.GAP
    assert table.claim("b" * 32) is table.read("b" * 32) is table.epoch("b" * 32) is None


def test_a_players_pictures_are_counted_and_their_numbers_never_given_again(table):
    table.create(ID)
    assert [table.add_picture(ID, b"png", 2) for _ in range(3)] == [0, 1, None]
    assert [table.remove_picture(ID, 0) for _ in range(2)] == [True, False]
    assert table.add_picture(ID, b"other", 2) == 2
    assert (table.picture(ID, 2), table.picture(ID, 0)) == (b"other", None)
    assert table.count_pictures(ID) == 2


def test_a_state_is_kept_until_its_frame_is_replaced(table):
    epoch = table.create(ID)
    change = Change(b"", 0, [b"", b""], [b"0", b"1"], b"", (1, b"tensors"))
    assert table.write(ID, epoch, change) is Written.OK
    assert table.write(ID, epoch, frames(2, b"2")) is Written.OK
    assert table.snapshot(ID) == (1, b"tensors")
    assert table.write(ID, epoch, frames(1, b"x")) is Written.OK
    assert table.snapshot(ID) is None


def test_a_full_file_forgets_the_games_that_were_left_longest_ago(tmp_path):
    table = SqlTable(tmp_path / "games.db", 60.0, 380_000)
    for number in range(8):
        id = str(number) * 32
        table.write(id, table.create(id), frames(0, bytes(100_000), head=b""))
    known = [number for number in range(8) if table.read(str(number) * 32) is not None]
    table.close()
    assert known == list(range(8))[-len(known) :] and 1 < len(known) < 5


def test_a_store_that_does_not_answer_holds_up_one_frame_and_not_the_next(monkeypatch):
    monkeypatch.setattr("playworld.play.store.game_store.LONGEST_SECONDS", 0.05)
    asked = []

    async def never(name, args):
        asked.append(name)
        await asyncio.Event().wait()

    async def ask_thrice():
        store = GameStore(never)
        for _ in range(3):
            with pytest.raises(StoreFailed):
                await store.ask(Table.epoch, ID)
        return store.errors

    assert asyncio.run(ask_thrice()) == {"epoch": 3}
    assert asked == ["epoch"]


@pytest.mark.parametrize("where", ["/nowhere/games.db", __file__, "redis://127.0.0.1:1/0"])
@pytest.mark.needs("redis")
def test_a_place_where_no_games_can_be_kept_is_refused_in_a_sentence(where):
    with pytest.raises(InputError, match="cannot keep games"):
        open_store(where, 60.0, 1e9)


@pytest.fixture
def two(random_world, where):
    """Two servers that share a store."""
    options = {"store": where, "snapshot_frames": 4}
    with make_client(random_world, **options) as one, make_client(random_world, **options) as other:
        yield one, other


def test_another_server_goes_on_with_a_game_and_its_frames_are_the_same(two, client):
    def play(*servers):
        seen, session = [], None
        for part, server in enumerate(servers):
            with server.websocket_connect(SOCKET) as socket:
                session = join(socket, session)
                if part == 0:
                    seen += [ask(socket, "start", 1, pictures=["prompt:0", "prompt:1"], seed=3)]
                else:
                    assert socket.receive_bytes()[16:] == seen[-1]
                seen += [ask(socket, "press", 2 + k, button=k + part) for k in range(3)]
                if part == 0:
                    socket.send_json({"type": "settings", "id": 7, "steps": 5, "temperature": 2.0})
                    ask(socket, "go", 8, node=1)
                    seen += [ask(socket, "press", 9, button=6)]
        return seen, session

    seen, session = play(*two)
    assert seen == play(client, client)[0]
    headers = {"x-playworld-session": session}
    films = [server.get("/api/v1/timeline", headers=headers).content for server in two]
    assert films[0] == films[1]
    stored = [
        [server.get(f"/api/v1/frames/{k}", headers=headers).content for k in range(8)]
        for server in two
    ]
    assert stored[0] == stored[1] == seen
    strips = [server.get("/api/v1/download/png", headers=headers).content for server in two]
    assert strips[0] == strips[1]


def test_who_takes_up_a_long_game_computes_few_frames_again(two, client):
    def play(*servers):
        seen, session = [], None
        for part, server in enumerate(servers):
            with server.websocket_connect(SOCKET) as socket:
                session = join(socket, session)
                if part == 0:
                    ask(socket, "start", 1, pictures=["prompt:0"], seed=3)
                else:
                    socket.receive_bytes()
                seen += [ask(socket, "press", 2 + k, button=k % 8) for k in range(10)]
        return seen

    assert play(*two) == play(client, client)
    replayed = re.search(r"playworld_replayed_frames_total{.*} (\d+)", two[1].get("/metrics").text)
    assert replayed[1] == "2"  # of 10, the state of the 8th is stored


def test_who_plays_a_game_that_another_server_has_taken_up_is_told(two):
    one, other = two
    with one.websocket_connect(SOCKET) as old, other.websocket_connect(SOCKET) as new:
        session = join(old)
        ask(old, "start", 1, pictures=["prompt:0"])
        join(new, session)
        new.receive_bytes()
        old.send_json({"type": "press", "id": 2, "button": 0})
        assert close_code(old) == 4410
        assert ask_for(new, "press", 3, button=0)[0][2] == 1


def test_a_picture_is_uploaded_to_one_server_and_played_on_another(two):
    one, other = two
    with one.websocket_connect(SOCKET) as socket:
        headers = {"x-playworld-session": join(socket)}
        answer = other.post("/api/v1/picture", content=picture_bytes(5), headers=headers)
        assert answer.json() == {"picture": 0}
        ask(socket, "start", 1, pictures=["upload:0"])
        assert other.delete("/api/v1/picture/0", headers=headers).status_code == 204
        assert one.delete("/api/v1/picture/0", headers=headers).status_code == 404


def test_a_game_that_made_room_for_another_is_there_again(random_world, tmp_path):
    path = str(tmp_path / "games.db")
    with make_client(random_world, store=path, max_players=1) as client:
        with client.websocket_connect(SOCKET) as socket:
            session = join(socket)
            ask(socket, "start", 1, pictures=["prompt:0"])
            frame = ask(socket, "press", 2, button=1)
        with client.websocket_connect(SOCKET) as socket:
            join(socket)
        with client.websocket_connect(SOCKET) as socket:
            join(socket, session)
            assert socket.receive_bytes()[16:] == frame
        assert 'restored_total{world="tiny"} 1' in client.get("/metrics").text


def test_a_game_goes_on_while_its_store_fails_and_is_whole_there_afterwards(random_world, tmp_path):
    path = tmp_path / "games.db"
    with make_client(random_world, store=str(path)) as client:
        with client.websocket_connect(SOCKET) as socket:
            session = join(socket)
            ask(socket, "start", 1, pictures=["prompt:0"], seed=1)
            table = SqlTable(path, 60.0, 1e9)
            table._file.execute("DELETE FROM frames")
            table._file.execute("ALTER TABLE frames RENAME TO elsewhere")
            frames = [ask(socket, "press", 2 + k, button=k) for k in range(2)]
            table._file.execute("ALTER TABLE elsewhere RENAME TO frames")
            table.close()
            frames += [ask(socket, "press", 5, button=2)]
        assert 'store_errors_total{operation="write"} 2' in client.get("/metrics").text
    with make_client(random_world, store=str(path)) as client:
        headers = {"x-playworld-session": session}
        kept = [client.get(f"/api/v1/frames/{1 + k}", headers=headers).content for k in range(3)]
    assert kept == frames

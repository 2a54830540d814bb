"""Replicas on a Ray cluster of this machine, as `playworld serve --replicas 2` starts it."""

import asyncio
import contextlib
import itertools
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from .conftest import SOCKET, picture_bytes
from .test_conversation import ask, join

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("ray_serve"),
    pytest.mark.timeout(600),
]
TOKEN = "token-of-the-test"
PLAYERS, PRESSES = 20, 40


class Cluster:
    """The server, with all its processes."""

    def __init__(self, world: Path, folder: Path) -> None:
        token = folder / "token"
        token.write_text(TOKEN)
        self.log = folder / "log"
        command = [sys.executable, "-m", "playworld", "serve", str(world), "--replicas", "2"]
        command += ["--port", "0", "--token-file", str(token)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        while (found := re.search(r"ready.*?http://([\d.:]+)/", self.log.read_text())) is None:
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        self.address = found[1]

    def replicas(self) -> list[int]:
        """Their processes."""
        parents, names = {}, {}
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                status = (folder / "status").read_text()
                parents[int(folder.name)] = int(re.search(r"PPid:\s+(\d+)", status)[1])
                names[int(folder.name)] = (folder / "cmdline").read_bytes()
        own = [id for id in names if names[id].startswith(b"ray::ServeReplica:playworld:")]
        return [id for id in own if parents.get(parents[id]) == self.process.pid]

    async def busiest(self) -> int:
        """The replica that uses most of the processor: Ray may have given it all players."""

        def ticks(id: int) -> int:
            fields = Path(f"/proc/{id}/stat").read_text().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])

        before = {id: ticks(id) for id in self.replicas()}
        await asyncio.sleep(0.5)
        return max(before, key=lambda id: ticks(id) - before[id])

    def get(self, path: str, session: str = "", **headers: str) -> tuple[int, bytes]:
        """Status and body of an answer."""
        headers = {"authorization": f"Bearer {TOKEN}", "x-playworld-session": session, **headers}
        request = urllib.request.Request(f"http://{self.address}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def connect(self) -> connect:
        """A WebSocket."""
        bearer = {"authorization": f"Bearer {TOKEN}"}
        return connect(f"ws://{self.address}/api/v1/socket", additional_headers=bearer)


@pytest.fixture(scope="module")
def cluster(world_folder, tmp_path_factory):
    cluster = Cluster(world_folder, tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.process.send_signal(signal.SIGINT)
    cluster.process.wait(timeout=120)


class Player:
    """Somebody who comes back when the connection breaks, as the page does."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.frames: dict[int, bytes] = {}
        self.session: str | None = None
        self.waits = [0.0]
        """Seconds for which each frame was waited."""
        self.lost = 0

    async def play(self, cluster: Cluster) -> None:
        """Press until there are enough frames."""
        last = time.monotonic()
        while len(self.frames) <= PRESSES:
            with contextlib.suppress(WebSocketException, OSError):
                async with cluster.connect() as socket:
                    await socket.send(json.dumps({"type": "join", "session": self.session}))
                    joined = json.loads(await socket.recv())
                    self.session = joined["session"]
                    if joined["at"] is None:
                        await self._say(socket, type="start", pictures=["prompt:1"], seed=self.seed)
                    node = self._note(await socket.recv())
                    for id in itertools.count(1):
                        self.waits.append(time.monotonic() - last)
                        last = time.monotonic()
                        if node == PRESSES:
                            return
                        await asyncio.sleep(0.05)
                        await self._say(socket, id=id, type="press", button=node % 8)
                        node = self._note(await socket.recv())
            self.lost += 1
            await asyncio.sleep(0.5)

    async def _say(self, socket, **message) -> None:
        await socket.send(json.dumps({"id": 0, **message}))

    def _note(self, answer: bytes) -> int:
        node = struct.unpack_from("<BxxxIII", answer)[2]
        assert self.frames.setdefault(node, answer[16:]) == answer[16:]
        return node


def test_players_go_on_after_a_replica_is_killed_and_no_frame_differs(cluster, client):
    players = [Player(seed) for seed in range(PLAYERS)]

    async def play():
        tasks = [asyncio.create_task(player.play(cluster)) for player in players]
        while min(len(player.frames) for player in players) < 5:
            await asyncio.sleep(0.05)
        os.kill(await cluster.busiest(), signal.SIGKILL)
        await asyncio.gather(*tasks)

    asyncio.run(play())
    assert sum(player.lost > 0 for player in players) > 0
    assert max(wait for player in players for wait in player.waits) < 10
    for player in players:
        with client.websocket_connect(SOCKET) as socket:
            join(socket)
            alone = [ask(socket, "start", 0, pictures=["prompt:1"], seed=player.seed)]
            alone += [ask(socket, "press", 1 + k, button=k % 8) for k in range(PRESSES)]
        assert [player.frames[node] for node in range(PRESSES + 1)] == alone
    session = players[0].session
    for node in range(0, PRESSES, 5):  # whatever replica is asked
        assert cluster.get(f"/api/v1/frames/{node}", session) == (200, players[0].frames[node])


def test_replicas_have_one_list_of_metrics_and_the_checks_of_one_server(cluster):
    while True:
        status, text = cluster.get("/metrics")
        if len(set(re.findall(r'playworld_ready{replica="(\w+)"} 1', text.decode()))) == 2:
            break
        time.sleep(0.2)
    assert cluster.get("/api/v1/worlds", authorization="Bearer wrong-token")[0] == 401
    assert cluster.get("/api/v1/worlds", host="evil.example")[0] == 403
    assert cluster.get("/readyz")[0] == 200
    assert TOKEN not in cluster.log.read_text()


def test_a_picture_finds_its_game_on_any_replica(cluster):
    async def play():
        async with cluster.connect() as socket:
            await socket.send(json.dumps({"type": "join"}))
            session = json.loads(await socket.recv())["session"]
            for number in range(4):
                url = f"http://{cluster.address}/api/v1/picture"
                headers = {"authorization": f"Bearer {TOKEN}", "x-playworld-session": session}
                post = urllib.request.Request(url, picture_bytes(number), headers)
                with await asyncio.to_thread(urllib.request.urlopen, post) as answer:
                    assert json.load(answer) == {"picture": number}
            names = [f"upload:{number}" for number in range(4)]
            start = {"type": "start", "id": 1, "pictures": names, "seed": 1}
            await socket.send(json.dumps(start))
            assert (await socket.recv())[0] == 0

    asyncio.run(play())

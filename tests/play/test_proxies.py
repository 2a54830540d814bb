"""What a server believes of a proxy, and the two examples in deploy/ with the real programs."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

import pytest
from starlette.responses import JSONResponse
from starlette.testclient import TestClient
from websockets.sync.client import connect

from playworld.play import PlayOptions
from playworld.play.connection_limits import ConnectionLimits
from playworld.play.proxy_headers import ProxyHeaders

from .conftest import Served, make_client

DEPLOY = Path(__file__).parents[2] / "deploy"
TOKEN = "open-sesame-42"
SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


async def echo(scope, receive, send):
    kept = {key: scope.get(key) for key in ("client", "scheme", "path", "root_path")}
    kept["host"] = scope.get("forwarded_host")
    await JSONResponse(kept)(scope, receive, send)


def seen(proxies: str, peer: str = "10.0.0.1", path: str = "/api", **headers: str) -> dict:
    client = TestClient(ProxyHeaders(echo, "/worlds", proxies, 9), client=(peer, 1))
    return client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()}).json()


FORWARDED = {
    "x_forwarded_for": "6.6.6.6, 192.0.2.9",
    "x_forwarded_proto": "https",
    "x_forwarded_host": "play.example.com",
}


def test_headers_of_a_trusted_proxy_are_believed():
    scope = seen("10.0.0.0/8,127.0.0.1", **FORWARDED)
    assert scope["client"][0] == "192.0.2.9"  # what the proxy added, not what its client claimed
    assert (scope["scheme"], scope["host"]) == ("https", "play.example.com")


@pytest.mark.parametrize("proxies", ["", "127.0.0.1", "10.1.0.0/16"])
def test_headers_of_anybody_else_are_not_believed(proxies):
    scope = seen(proxies, **FORWARDED)
    assert (scope["client"][0], scope["scheme"], scope["host"]) == ("10.0.0.1", "http", None)


@pytest.mark.parametrize("path", ["/worlds/api", "/api"])
def test_a_proxy_may_strip_the_root_path_or_not(path):
    scope = seen("", path=path)
    assert (scope["path"], scope["root_path"]) == ("/worlds/api", "/worlds")


def test_the_root_path_without_its_slash_leads_to_the_page():
    client = TestClient(ProxyHeaders(echo, "/worlds", "", 9))
    answer = client.get("/worlds", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "worlds/")


def test_the_limit_of_an_address_holds_for_each_client_of_a_proxy():
    limits = ConnectionLimits(100, 1, {"10.0.0.1"})
    assert limits.admit("10.0.0.1") and limits.admit("10.0.0.1")
    client = TestClient(ProxyHeaders(echo, "", "10.0.0.1", 0), client=("10.0.0.1", 1))
    answer = client.get("/")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")


@pytest.mark.parametrize(("name", "status"), [("localhost", 200), ("evil.example", 403)])
def test_a_forwarded_name_must_be_allowed_like_any_other(random_world, name, status):
    client = make_client(random_world, forwarded_allow_ips="*")
    assert client.get("/", headers={"x-forwarded-host": name}).status_code == status
    origin = {"x-forwarded-host": "localhost", "x-forwarded-proto": "https"}
    answer = client.post("/api/v1/welcome", headers={**origin, "origin": f"https://{name}"})
    assert answer.status_code == (204 if status == 200 else 403)


def test_somebody_who_opens_a_refused_page_reads_what_was_expected_and_what_mends_it(random_world):
    client = make_client(random_world)
    text = client.get("/", headers={"host": "a.example", "accept": "text/html,*/*"}).text
    assert "<p>" in text and "--allow-hosts a.example" in text and "localhost" in text


def test_a_proxy_that_passes_no_upgrade_on_is_named_in_the_log(random_world, caplog):
    client = make_client(random_world)
    answer = client.get("/api/v1/socket", headers={"sec-websocket-key": "AAAA"})
    assert answer.status_code == 426 and "Upgrade" in answer.json()["detail"]
    assert "deploy/nginx.conf" in caplog.text


@pytest.mark.parametrize(
    "options", [{"root_path": "worlds"}, {"root_path": "/"}, {"forwarded_allow_ips": "10.0.0.300"}]
)
def test_an_option_that_cannot_be_meant_is_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        PlayOptions(**options)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def unchecked() -> ssl.SSLContext:
    """Any certificate will do."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def answers(port: int) -> bool:
    """Whether a proxy has its certificate, too: Caddy makes one after it listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as line:
            unchecked().wrap_socket(line, server_hostname="localhost").close()
    except OSError:
        return False
    return True


@contextmanager
def running(command: list[str], port: int, folder: Path, **environment: str):
    """A proxy, once it answers."""
    with (folder / "proxy.log").open("wb") as log:
        more = {"PATH": SBIN, "HOME": str(folder), "XDG_DATA_HOME": str(folder), **environment}
        process = subprocess.Popen(command, stderr=log, stdout=log, env={**os.environ, **more})
    try:
        while not answers(port):
            assert process.poll() is None, (folder / "proxy.log").read_text()
            time.sleep(0.1)
        yield f"https://localhost:{port}/worlds/"
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def nginx(served: Served, folder: Path):
    port, plain = free_port(), free_port()
    subject = ["-subj", "/CN=localhost", "-days", "2", "-nodes", "-newkey", "rsa:2048", "-x509"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(["openssl", "req", *subject, *files], check=True, capture_output=True)
    site = (DEPLOY / "nginx.conf").read_text()
    for ours, here in {
        "127.0.0.1:8000": f"127.0.0.1:{served.port}",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "listen 80": f"listen 127.0.0.1:{plain}",
        "/etc/ssl/certs/play.example.com.pem": str(folder / "cert.pem"),
        "/etc/ssl/private/play.example.com.key": str(folder / "key.pem"),
        "play.example.com": "localhost",
    }.items():
        assert ours in site
        site = site.replace(ours, here)
    (folder / "site.conf").write_text(site)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {temporary} include {folder}/site.conf; }}"
    )
    program = shutil.which("nginx", path=SBIN) or "nginx"
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    with running(command, port, folder) as url:
        yield url


@contextmanager
def caddy(served: Served, folder: Path):
    port, plain = free_port(), free_port()
    own = f"{{\n\tadmin off\n\tskip_install_trust\n\thttp_port {plain}\n\thttps_port {port}\n}}\n"
    (folder / "Caddyfile").write_text(own + (DEPLOY / "Caddyfile").read_text())
    command = [shutil.which("caddy", path=SBIN) or "caddy", "run", "--adapter", "caddyfile"]
    command += ["--config", str(folder / "Caddyfile")]
    where = {"SITE": "localhost", "PLAYWORLD": f"127.0.0.1:{served.port}"}
    with running(command, port, folder, **where) as url:
        yield url


class NoRedirects(HTTPRedirectHandler):
    """Shows a redirection instead of following it."""

    def redirect_request(self, *_):
        return None


@pytest.fixture(scope="module")
def behind(world_folder):
    options = {"root_path": "/worlds", "forwarded_allow_ips": "127.0.0.1", "token": TOKEN}
    with Served(world_folder, **options) as served:
        yield served


@pytest.mark.parametrize(
    "proxy",
    [
        pytest.param(nginx, marks=pytest.mark.needs("nginx", "openssl"), id="nginx"),
        pytest.param(caddy, marks=pytest.mark.needs("caddy"), id="caddy"),
    ],
)
def test_page_api_and_socket_work_through_the_example(proxy, behind, tmp_path):
    opener = build_opener(NoRedirects, HTTPSHandler(context=unchecked()))

    def ask(url: str, data: bytes | None = None, **headers: str) -> tuple[int, Message, bytes]:
        try:
            answer = opener.open(Request(url, data, headers), timeout=20)
        except HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers, answer.read()

    with proxy(behind, tmp_path) as url:
        origin = url.removesuffix("/worlds/")
        assert ask(url.removesuffix("/"))[1]["location"] in ("/worlds/", "worlds/")
        assert b'type="password"' in ask(url)[2]
        status, headers, _ = ask(url, urlencode({"token": TOKEN}).encode(), Origin=origin)
        cookie = headers["set-cookie"]
        assert status == 303 and "Path=/worlds/;" in cookie and cookie.endswith("; Secure")
        own = {"Cookie": cookie.split(";")[0], "Origin": origin}
        assert b"<canvas" in ask(url, **own)[2]
        assert ask(f"{url}page/play.js")[0] == 200
        world = json.loads(ask(f"{url}api/v1/world", Authorization=f"Bearer {TOKEN}")[2])
        _, headers, picture = ask(origin + world["prompts"][0]["url"], **own)
        assert headers["content-type"] == "image/png"
        with connect(
            url.replace("https", "wss") + "api/v1/socket", ssl=unchecked(), additional_headers=own
        ) as line:
            line.send('{"type": "join"}')
            session = json.loads(line.recv(timeout=20))["session"]
            upload = {**own, "X-Playworld-Session": session}
            assert ask(f"{url}api/v1/picture", picture, **upload)[2] == b'{"picture":0}'
            line.send('{"type": "start", "id": 1, "pictures": ["upload:0"]}')
            assert b"PNG" in line.recv(timeout=60)
        foreign = json.loads(ask(f"{url}api/v1/welcome", b"", Origin="https://evil.example")[2])
        expected = f"{origin}, as in its X-Forwarded-Host"
        assert (foreign["expected"], foreign["option"]) == (expected, "--allow-hosts evil.example")

import io
import re
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from playworld import __version__
from playworld.config import InputError, from_dict
from playworld.data.video.pictures import NOT_A_PICTURE, TOO_MANY_PIXELS
from playworld.play import PlayOptions, create_app
from playworld.presets import TINY

from .conftest import BUTTONS, SOCKET, make_client, picture_bytes
from .test_conversation import join
from .test_images import bomb

PAGE = {item.name: item.read_text() for item in (files("playworld.play") / "page").iterdir()}


def upload(client, content, **headers) -> tuple[int, str | int]:
    with client.websocket_connect(SOCKET) as socket:
        headers = {"x-playworld-session": join(socket), **headers}
        answer = client.post("/api/v1/picture", content=content, headers=headers)
    return answer.status_code, *answer.json().values()


def test_the_page_is_served_with_all_its_parts(client):
    assert "<title>Playworld</title>" in client.get("/").text
    for name, text in PAGE.items():
        assert client.get(f"/page/{name}").text == text


def test_every_part_that_the_page_names_is_there():
    named = re.findall(r'(?:href|src)="page/([^"]+)"', PAGE["index.html"])
    for name, text in PAGE.items():
        if name.endswith(".js"):
            named += re.findall(r'from "\./([^"]+)"', text)
    assert len(named) > 5 and set(named) <= set(PAGE)


@pytest.mark.parametrize("name", PAGE)
def test_the_page_loads_nothing_from_elsewhere(name):
    namespace = "http://www.w3.org/2000/svg"
    assert "://" not in PAGE[name].replace(namespace, "")


def test_the_world_is_described(client, random_world):
    world = client.get("/api/v1/world").json()
    assert (world["name"], world["width"], world["height"], world["fps"]) == ("tiny", 64, 64, 10.0)
    shown = [f"{button['label']} {button['arrow']}".strip() for button in world["buttons"]]
    assert tuple(shown) == BUTTONS
    assert [prompt["name"] for prompt in world["prompts"]] == ["01", "02", "03"]
    assert world["sampler"] == {
        "steps": TINY.sampler.steps,
        "temperature": TINY.sampler.temperature,
    }
    assert (world["version"], world["sha256"]) == (__version__, random_world.sha256)
    assert world["max_nodes"] == 6000


def test_the_prompts_are_served_as_they_are(client):
    data = client.get("/api/v1/prompts/1").content
    expected = Image.open(io.BytesIO(picture_bytes(2)))
    assert Image.open(io.BytesIO(data)).tobytes() == expected.tobytes()


@pytest.mark.parametrize("path", ["/api/v1/prompts/3", "/api/v1/prompts/-1", "/page/secret", "/x"])
def test_what_is_not_there_is_not_found(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/page/..%2fapp.py", "/page/%2e%2e/app.py", "/page/../app.py"])
def test_no_path_leads_out_of_the_page(client, path):
    assert client.get(path).status_code == 404


def test_a_refused_request_is_not_repeated_in_the_answer(client):
    answer = client.get("/api/v1/prompts/<script>")
    assert answer.status_code in (400, 404) and "script" not in answer.text


def test_it_is_alive_at_once_and_ready_when_the_model_has_run(random_world):
    app = create_app(random_world, PlayOptions())
    client = TestClient(app, base_url="http://127.0.0.1")
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503
    with client:
        assert client.get("/readyz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_an_upload_needs_a_session(client):
    headers = {"x-playworld-session": "stranger"}
    answer = client.post("/api/v1/picture", content=picture_bytes(0), headers=headers)
    assert answer.status_code == 404
    assert client.post("/api/v1/picture", content=picture_bytes(0)).status_code == 404


def test_a_session_keeps_16_pictures(client):
    with client.websocket_connect(SOCKET) as socket:
        headers = {"x-playworld-session": join(socket)}
        answers = [
            client.post("/api/v1/picture", content=picture_bytes(k), headers=headers)
            for k in range(17)
        ]
    assert [answer.json().get("picture") for answer in answers] == [*range(16), None]
    assert answers[16].status_code == 409


def test_an_upload_that_is_no_picture_is_refused(client):
    assert upload(client, b"hello") == (400, NOT_A_PICTURE)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Pillow warns of what it mends
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_200_mutated_uploads_of_each_format_are_taken_or_refused(client, format):
    rng, whole = np.random.default_rng(2), picture_bytes(3, (48, 48), format)
    for _ in range(20):
        with client.websocket_connect(SOCKET) as socket:
            headers = {"x-playworld-session": join(socket)}
            for _ in range(10):
                data = np.frombuffer(whole, np.uint8).copy()
                data[rng.integers(0, len(data), 4)] = rng.integers(0, 256, 4)
                content = data[: rng.integers(1, 2 * len(data))].tobytes()
                answer = client.post("/api/v1/picture", content=content, headers=headers)
                refusals = (NOT_A_PICTURE, TOO_MANY_PIXELS)
                refused = answer.status_code == 400 and answer.json()["detail"] in refusals
                assert answer.status_code == 200 or refused


def test_an_upload_of_too_many_pixels_is_refused(client):
    assert upload(client, bomb(6000, 5000)) == (400, TOO_MANY_PIXELS)


@pytest.mark.parametrize("headers", [{}, {"content-length": "5"}])
def test_bytes_are_counted_as_they_come(random_world, headers):
    with make_client(random_world, max_upload_mb=0.01) as client:
        parts = (b"x" * 4000 for _ in range(3))
        status, detail = upload(client, parts, **headers)
    assert (status, detail) == (413, "This file is too large. Send a smaller one.")


def test_an_upload_under_the_limit_is_taken(random_world):
    with make_client(random_world, max_upload_mb=0.05) as client:
        assert upload(client, picture_bytes(5, (90, 40))) == (200, 0)


@pytest.mark.parametrize(
    "options",
    [
        {"port": 70_000},
        {"port": -1},
        {"max_players": 0},
        {"idle_minutes": 0.0},
        {"max_upload_mb": -1.0},
        {"max_nodes": 0},
    ],
)
def test_an_option_out_of_range_is_refused_by_its_name(options):
    with pytest.raises(InputError, match=next(iter(options))):
        from_dict(PlayOptions, options)

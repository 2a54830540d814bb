"""The server behind the page for labelling."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from playworld.atomic import alone
from playworld.config import InputError
from playworld.curate import labelling
from playworld.curate.labelling import Desk, LabelOptions, columns, create_app, sheet
from playworld.curate.labels import Labels
from playworld.curate.stretches import Footage

from .conftest import damage, noise, write_clips


def make_client(clips, path) -> TestClient:
    footage = Footage(clips)
    desk = Desk(footage, Labels(path, footage, 32), seed=0)
    return TestClient(create_app(desk), base_url="http://127.0.0.1")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "labels.json"


@pytest.fixture
def client(mixture, file):
    return make_client(mixture, file)


def give(client, place, label):
    return client.put(f"/api/v1/stretches/{place}/label", json={"label": label})


def test_a_label_of_many_bytes_is_refused(client, file):
    answer = client.put("/api/v1/stretches/0/label", content=b'{"label":' + 5000 * b" " + b"5}")
    assert answer.status_code == 413 and not file.exists()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b"[]", b'{"label": 6}'])
def test_a_label_that_is_none_is_refused(client, content):
    headers = {"content-type": "application/json"}
    answer = client.put("/api/v1/stretches/0/label", content=content, headers=headers)
    assert answer.status_code == 400 and len(answer.json()["detail"]) > 10


def stored(file) -> list[int | None]:
    return [entry["label"] for entry in json.loads(file.read_text())["labels"]]


def test_every_label_is_on_the_disk_when_it_is_answered(client, file):
    for place, label in enumerate((5, 1, None)):
        answer = give(client, place, label).json()
        assert stored(file)[place] == label and answer["next"] == place + 1
    assert answer["counts"] == [1, 0, 0, 0, 1] and answer["skipped"] == 1


def test_labelling_goes_on_where_it_stopped(client, mixture, file):
    give(client, 0, 4)
    again = make_client(mixture, file)
    assert again.get("/api/v1/clips").json()["next"] == 1
    assert again.get("/api/v1/stretches/0").json()["label"] == 4
    assert "label" not in again.get("/api/v1/stretches/1").json()


def test_undo_takes_back_the_last_label_and_says_where_it_was(client, file):
    for place in (0, 1, 7):
        give(client, place, 3)
    assert [client.post("/api/v1/undo").json()["place"] for _ in range(4)] == [7, 1, 0, None]
    assert stored(file) == []


WRONG = [{"label": 6}, {"label": 0}, {"label": "x"}, {"label": 1.5}, {}, []]


@pytest.mark.parametrize("body", WRONG)
def test_a_label_that_makes_no_sense_is_refused(client, file, body):
    answer = client.put("/api/v1/stretches/0/label", json=body)
    assert answer.status_code == 400
    assert answer.json() == {"detail": "This request is not understood."}
    assert not file.exists()


@pytest.mark.parametrize("place", ["66", "-1", "x"])
def test_a_stretch_that_is_not_there_is_refused(client, place):
    address = f"/api/v1/stretches/{place}"
    codes = {client.get(address).status_code, client.get(f"{address}/frames").status_code}
    codes.add(give(client, place, 5).status_code)
    assert codes <= {400, 404}


def test_another_site_can_neither_read_nor_write(client, file):
    for headers in ({"host": "evil.example"}, {"origin": "https://evil.example"}):
        assert client.get("/api/v1/clips", headers=headers).status_code == 403
        assert client.post("/api/v1/undo", headers=headers).status_code == 403
    assert not file.exists()


def test_the_page_loads_nothing_from_elsewhere(client):
    page = client.get("/")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http://" not in page.text.replace("http://www.w3.org/2000/svg", "")
    for name in ("label.js", "desk.js", "film.js", "style.css"):
        assert client.get(f"/page/{name}").status_code == 200
    assert client.get("/page/../labels.py").status_code == 404


@pytest.mark.parametrize("count", [1, 2, 31, 32, 48])
def test_a_sheet_holds_the_very_pixels_row_by_row(count):
    frames, across = noise(0, count), columns(count)
    page = np.asarray(Image.open(io.BytesIO(sheet(frames))))
    for k, frame in enumerate(frames):
        top, left = 32 * (k // across), 32 * (k % across)
        np.testing.assert_array_equal(page[top : top + 32, left : left + 32], frame)


def test_a_damaged_stretch_is_said_and_does_not_end_the_server(file, tmp_path):
    clips = write_clips(tmp_path / "clips", {"train": [("a.mp4", noise(0, 32))]})
    damage(clips, "train")
    client = make_client(clips, file)
    assert client.get("/api/v1/stretches/0/frames").status_code == 410
    assert give(client, 0, None).status_code == 200


def test_a_disk_that_is_full_is_said_and_the_label_is_not_counted(client, file, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    answer = give(client, 0, 5)
    assert answer.status_code == 507 and "disk" in answer.json()["detail"]
    assert client.get("/api/v1/clips").json()["counts"] == [0, 0, 0, 0, 0]


def test_labels_without_a_folder_are_refused_before_the_first_key(mixture, tmp_path):
    with pytest.raises(InputError, match="nowhere is no folder"):
        labelling.label(
            mixture, LabelOptions(labels=tmp_path / "nowhere" / "labels.json", browser=False)
        )


def test_one_file_of_labels_is_open_in_one_place_at_a_time(mixture, file):
    options = LabelOptions(labels=file, browser=False)
    with alone(file), pytest.raises(InputError, match="open in another"):
        labelling.label(mixture, options)


def test_the_clips_stay_as_they_are(client, mixture):
    before = {path: path.read_bytes() for path in mixture.rglob("*") if path.is_file()}
    give(client, 0, 5)
    assert {p: p.read_bytes() for p in mixture.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("wrong", [{"length": 20}, {"port": 70_000}])
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LabelOptions(**wrong)

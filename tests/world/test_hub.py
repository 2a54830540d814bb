"""Up to a Hub and down again, through the real client; the Hub is a small server here."""

import base64
import hashlib
import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import huggingface_hub.constants
import pytest
import torch

from playworld.cli import main
from playworld.config import InputError
from playworld.world import World
from tests.processes import start

COMMIT = "a" * 40


class Hub(BaseHTTPRequestHandler):
    """The few calls of the Hub's HTTP interface that a small upload and a download make."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, content=b"{}", status=200, **headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def answer_json(self, value):
        self.answer(json.dumps(value).encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Authorization") != "Bearer hf_right":
            return self.answer(status=401)
        address = f"http://{self.headers['Host']}/me/tiny"
        if self.path == "/api/repos/create":
            return self.answer_json({"url": address})
        if self.path == "/api/validate-yaml":
            return self.answer_json({"errors": [], "warnings": []})
        if "/preupload/" in self.path:
            paths = [file["path"] for file in json.loads(body)["files"]]
            mode = {"uploadMode": "regular", "shouldIgnore": False}
            return self.answer_json({"files": [{"path": path, **mode} for path in paths]})
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                self.server.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                del self.server.files[value["path"]]
        self.answer_json({"commitUrl": f"{address}/commit/{COMMIT}", "commitOid": COMMIT})

    def do_GET(self):
        files = self.server.files
        if not self.path.split("?")[0].startswith(("/api/models/me/tiny/", "/me/tiny/")):
            return self.answer(status=404, X_Error_Code="RepoNotFound")
        if "/tree/" in self.path:
            entry = {"type": "file", "oid": COMMIT}
            return self.answer_json([{**entry, "path": p, "size": len(files[p])} for p in files])
        if "/revision/" in self.path:
            siblings = [{"rfilename": path} for path in files]
            return self.answer_json({"id": "me/tiny", "sha": COMMIT, "siblings": siblings})
        content = files[self.path.split(f"/resolve/{COMMIT}/")[1]]
        tag = hashlib.sha256(content).hexdigest()
        self.answer(content, ETag=f'"{tag}"', X_Repo_Commit=COMMIT)

    do_HEAD = do_GET


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        server.files = {}
        server.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


def test_a_world_comes_back_from_the_hub_as_it_went_up(world, images, hub):
    address = world.push_to_hub("me/tiny", token="hf_right", endpoint=hub.address)
    assert address == f"{hub.address}/me/tiny"
    loaded = World.from_pretrained("me/tiny", endpoint=hub.address)
    (_, one), (_, two) = (w.start(images, [1, 2, 3]) for w in (world, loaded))
    assert torch.equal(world.step(one, [0, 1, 2])[0], loaded.step(two, [0, 1, 2])[0])
    assert loaded.config == world.config and loaded.card == "# Tiny" and loaded.prompts()


def test_pushing_again_removes_prompts_that_the_world_no_longer_has(world, hub):
    hub.files = {"prompts/old.png": b"old", "notes.txt": b"somebody's own"}
    world.push_to_hub("me/tiny", token="hf_right", endpoint=hub.address)
    assert "prompts/old.png" not in hub.files and "notes.txt" in hub.files
    assert "prompts/01.png" in hub.files


def test_only_the_files_of_a_world_are_fetched(world, hub, tmp_path):
    world.push_to_hub("me/tiny", token="hf_right", endpoint=hub.address)
    hub.files["pytorch_model.bin"] = b"a pickle"
    World.from_pretrained("me/tiny", endpoint=hub.address)
    fetched = {path.name for path in (tmp_path / "cache").rglob("*")}
    assert "dynamics.safetensors" in fetched and "pytorch_model.bin" not in fetched


def test_a_file_altered_on_the_hub_is_named(world, hub):
    world.push_to_hub("me/tiny", token="hf_right", endpoint=hub.address)
    hub.files["dynamics.safetensors"] = hub.files["dynamics.safetensors"][:-1] + b"?"
    with pytest.raises(InputError, match=r"dynamics\.safetensors has been altered"):
        World.from_pretrained("me/tiny", endpoint=hub.address)


def test_an_upload_that_the_hub_refuses_is_one_line(world, hub):
    with pytest.raises(InputError, match="^cannot upload to 'me/tiny'; the Hugging Face .*401.*$"):
        world.push_to_hub("me/tiny", token="hf_wrong", endpoint=hub.address)


def test_a_world_that_the_hub_does_not_have_is_one_line(hub):
    with pytest.raises(InputError, match="^no world at 'me/none': no such folder, and .* Hub; .*$"):
        World.from_pretrained("me/none", endpoint=hub.address)


def test_a_hub_that_cannot_be_reached_is_one_line():
    with pytest.raises(InputError, match="^no world at 'me/tiny': no such folder, and .* Hub; .*$"):
        World.from_pretrained("me/tiny", endpoint="http://127.0.0.1:9")


def test_a_world_in_the_hubs_cache_is_opened_by_its_name_without_a_network(
    world, saved, hub, tmp_path
):
    """Wherever a world can be named, it goes through the same door."""
    cached = tmp_path / "cache" / "models--me--runner"
    shutil.copytree(saved, cached / "snapshots" / COMMIT)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(COMMIT)
    offline = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(tmp_path / "cache")}
    process = start(main, ["gallery", "me/runner", "--out", str(tmp_path / "drawn")], **offline)
    process.join(timeout=120)
    assert process.exitcode == 0
    assert (tmp_path / "drawn").is_dir()


def test_a_path_with_a_slip_in_it_is_not_asked_for_on_the_hub(saved, monkeypatch):
    monkeypatch.chdir(saved.parent.parent)
    with pytest.raises(InputError, match="tinny': no such folder$"):
        World.load(f"{saved.parent.name}/tinny")


@pytest.mark.parametrize("name", ["dynamics.safetensors", "prompts/01.png", "manifest.json"])
def test_a_pointer_of_git_lfs_is_called_what_it_is(name, saved):
    (saved / name).write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\n"
    )
    with pytest.raises(InputError, match=f"{name} is a pointer of Git LFS.*git lfs pull"):
        World.load(saved)


def test_a_folder_comes_before_the_hub(saved, monkeypatch):
    monkeypatch.chdir(saved.parent.parent)
    name = f"{saved.parent.name}/{saved.name}"  # looks like owner/name
    assert World.from_pretrained(name, endpoint="http://127.0.0.1:9").config.name == "tiny"

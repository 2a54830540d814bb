import copy
import hashlib
import io
import json
import os
import re
import resource
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from playworld.config import InputError
from playworld.manifest import params_sha256, write_folder
from playworld.models.actions import LatentActionModel
from playworld.models.flops import on_meta, parameters
from playworld.models.kinds import build_dynamics, build_tokenizer
from playworld.presets import PRESETS
from playworld.world import Button, World, WorldConfig, built_in_worlds
from playworld.world import folder as files
from tests.processes import start

FILES = ["config.json", "tokenizer.safetensors", "actions.safetensors", "dynamics.safetensors"]


def edit(folder, change, name="config.json"):
    """Change config.json and mend the manifest, as a hostile sender would."""
    config = json.loads((folder / name).read_text())
    change(config)
    content = json.dumps(config).encode()
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_saved_world_plays_the_same_frames(world, saved, images):
    loaded = World.load(saved)
    _, one = world.start(images, [1, 2, 3])
    _, two = loaded.start(images, [1, 2, 3])
    for actions in ([0, 1, 2], [3, 3, 3]):
        (a, one), (b, two) = world.step(one, actions), loaded.step(two, actions)
        assert torch.equal(a, b)


def test_a_world_saved_in_halves_takes_half_the_room_and_saves_the_same_again(
    world, saved, tmp_path
):
    world.save(tmp_path / "half", half=True)
    loaded = World.load(tmp_path / "half")
    large, small = (
        (folder / "dynamics.safetensors").stat().st_size for folder in (saved, tmp_path / "half")
    )
    assert small < 0.6 * large
    for own, other in zip(modules(world), modules(loaded), strict=True):
        for name, values in other.state_dict().items():
            assert values.dtype == own.state_dict()[name].dtype
            assert torch.allclose(
                values.float(), own.state_dict()[name].float(), rtol=1e-3, atol=1e-6
            )
    loaded.save(tmp_path / "again", half=True)
    first, second = ((tmp_path / name / FILES[1]).read_bytes() for name in ("half", "again"))
    assert first == second


def test_a_weight_beyond_halves_is_refused_by_name(world, tmp_path):
    loaded = copy.deepcopy(world)
    next(loaded.dynamics.parameters()).data.view(-1)[0] = 1e5
    with pytest.raises(ValueError, match="too large for float16"):
        loaded.save(tmp_path / "half", half=True)


def test_a_saved_world_is_whole(world, saved, png):
    loaded = World.load(saved)
    assert loaded.config == world.config and loaded.card == "# Tiny"
    assert loaded.buttons[0] == Button("left", "←") and loaded.num_actions == 4
    assert (loaded.height, loaded.width, loaded.fps) == (16, 24, 10.0)
    for own, other in zip(modules(world), modules(loaded), strict=True):
        assert params_sha256(own.state_dict()) == params_sha256(other.state_dict())
        assert not other.training
    [(name, picture)] = loaded.prompts()
    assert name == "01" and picture.flatten()[:3].tolist() == [0, 1, 2]
    assert sorted(p.name for p in saved.iterdir()) == sorted(
        [*FILES, "README.md", "manifest.json", "prompts"]
    )


def modules(world):
    return world.tokenizer, world.actions, world.dynamics


def test_a_world_saved_in_half_precision_loads_in_single(world, tmp_path):
    for module in modules(world):
        module.half()
    world.save_pretrained(tmp_path / "half")
    loaded = World.from_pretrained(tmp_path / "half")
    assert all(p.dtype == torch.float32 for m in modules(loaded) for p in m.parameters())


def test_saving_does_not_need_a_card_or_prompts(world, tmp_path):
    world.save(tmp_path / "bare", card="", prompts={})
    assert World.load(tmp_path / "bare").prompts() == []


@pytest.mark.parametrize("name", [*FILES, "README.md", "prompts/01.png", "manifest.json"])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(InputError, match=re.escape(name)):
        World.load(saved)


@pytest.mark.parametrize("name", [*FILES, "prompts/01.png"])
def test_an_altered_file_is_named(saved, name):
    content = bytearray((saved / name).read_bytes())
    content[len(content) // 2] ^= 1
    (saved / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name} has been altered"):
        World.load(saved)


def test_another_kind_of_folder_is_no_world(tmp_path):
    write_folder(tmp_path / "other", {}, {"config.json": {}})
    with pytest.raises(InputError, match=r"is not a world: it has no tokenizer\.safetensors"):
        World.load(tmp_path / "other")


@pytest.fixture
def built_in(world, tmp_path, monkeypatch):
    """Two built-in worlds, "tiny" and "coins", in the place of the package's own data."""
    for name in ("tiny", "coins"):
        world.save(tmp_path / "package" / "worlds" / name)
    monkeypatch.setattr("importlib.resources.files", lambda package: tmp_path / "package")
    monkeypatch.chdir(tmp_path)


def test_a_built_in_world_is_loaded_by_its_name(built_in):
    assert built_in_worlds() == ["coins", "tiny"]
    assert World.load("tiny").config.name == "tiny"


def test_an_unknown_name_says_what_was_meant(built_in):
    with pytest.raises(InputError, match="no world at 'tny': .* did you mean 'tiny'?"):
        World.load("tny")
    with pytest.raises(InputError, match="choose one of coins, tiny"):
        World.from_pretrained("zebra")


def test_a_folder_of_the_same_name_hides_a_built_in_world_only_if_it_is_one(
    built_in, world, caplog
):
    os.mkdir("tiny")
    assert World.load("tiny").card == "# Tiny"
    world.save(Path("tiny"), card="# Mine")
    assert World.load("tiny").card == "# Mine"
    assert "tiny is the world in the folder" in caplog.text


def set_at(path, value):
    def change(config):
        *parents, last = path.split(".")
        for key in parents:
            config = config[key]
        config[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("tokenizer.height", 2**40, r"config.json\.tokenizer\.height: at most 65536"),
        ("dynamics.transformer.num_heads", 10**30, r"dynamics\.transformer\.num_heads: at most"),
        ("dynamics.transformer.width", "16", r"dynamics\.transformer\.width: expected an integer"),
        (
            "dynamics.transformer.width",
            65536,
            r"dynamics\.safetensors: tensor embed\.weight should",
        ),
        ("dynamics.transformer.num_layers", 3, r"dynamics\.safetensors: tensor .* is missing"),
        (
            "dynamics.transformer.window",
            65536,
            r"dynamics\.transformer: window must be in \[1, 512\]",
        ),
        ("dynamics.num_codes", 64, r"dynamics\.num_codes and the tokenizer's must be equal"),
        ("dynamics.action_size", 4, r"dynamics\.action_size and actions\.quantizer\.code_size"),
        ("actions.height", 32, r"actions\.height and tokenizer\.height must be equal, got 32"),
        ("fps", 0, r"fps must be in \[0\.1, 240\], got 0"),
        ("fps", 1e-9, r"fps must be in \[0\.1, 240\], got 1e-09"),
        ("tokenizer.decoder.mlp_ratio", 1e-9, r"tokenizer\.decoder: mlp_ratio leaves no hidden"),
        ("actions.encoder.mlp_ratio", 0, r"actions\.encoder: mlp_ratio leaves no hidden"),
        ("actions.decoder.temporal_every", -1, r"temporal_every must be in \[0, 256\], got -1"),
        ("tokenizer.quantizer.commitment", 1e300, r"quantizer: commitment must be in \[0, 100\]"),
        ("tokenizer.quantizer.decay", 1.0, r"tokenizer\.quantizer: decay must be in"),
        ("tokenizer.patch", True, r"tokenizer\.patch: expected an integer, got True"),
        ("sampler.steps", 1024, r"sampler: steps must be in \[1, 64\], got 1024"),
        ("format", 1, "format must be 2, got 1: it needs an older playworld"),
        ("format", 3, "format must be 2, got 3: it needs a newer playworld"),
        ("name", "a\nb", "name must be 1 to 100 printable"),
        ("buttons", [{"label": "1"}], r"number of buttons and of actions \(actions"),
        ("sampler.order", "rnadom", r"sampler\.order: unknown 'rnadom', did you mean 'random'"),
        ("sampler.temperature", -1, r"sampler: temperature must be in \[0, 100\]"),
        ("sampler.colour", 1, r"sampler\.colour: unknown field"),
    ],
)
def test_a_config_that_cannot_be_is_refused_by_field_name(saved, path, value, message):
    edit(saved, set_at(path, value))
    with pytest.raises(InputError, match=message):
        World.load(saved)


def test_a_window_is_refused_that_asks_for_more_memory_than_the_weights_explain(saved, monkeypatch):
    monkeypatch.setattr(files, "LARGE_SESSION", 1e6)
    edit(saved, set_at("dynamics.transformer.window", 512))
    with pytest.raises(InputError, match=r"dynamics\.transformer\.window .* out of proportion"):
        World.load(saved)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_game_of_a_documented_preset_is_in_proportion_to_its_weights(name):
    recipe = PRESETS[name]
    parts = (recipe.tokenizer, recipe.actions, recipe.dynamics)
    models = zip((build_tokenizer, LatentActionModel, build_dynamics), parts, strict=True)
    weights = sum(4 * parameters(on_meta(lambda m=m, c=c: m(c))) for m, c in models)
    config = WorldConfig(name, 10.0, *parts)
    assert 0 < 2 * config.session_bytes < max(2 * files.LARGE_SESSION, 8 * weights)


def test_weights_that_are_no_numbers_are_refused_by_name(world, tmp_path):
    world.dynamics.head.bias.data[3] = float("nan")
    world.save(tmp_path / "tiny")
    with pytest.raises(InputError, match=r"dynamics\.safetensors: tensor head\.bias has numbers"):
        World.load(tmp_path / "tiny")


def test_weights_that_overflow_give_frames_all_the_same(world, images):
    world.dynamics.head.weight.data *= 1e38
    _, state = world.start(images, [1, 2, 3])
    frames, _ = world.step(state, [0, 1, 2])
    assert frames.shape == (3, 16, 24, 3)


def load_in_little_memory(folder: Path, out: Path) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 200_000_000,) * 2)
    try:
        World.load(folder)
    except ValueError as error:
        out.write_text(str(error))


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_huge_config_is_refused_without_its_memory(saved, tmp_path):
    """65,536 wide would be hundreds of gigabytes; 200 MB are enough to refuse it."""
    edit(saved, set_at("dynamics.transformer.width", 65536))
    process = start(load_in_little_memory, saved, tmp_path / "error")
    process.join(timeout=120)
    wrong = "tensor embed.weight should have shape [33, 65536], got [33, 16]"
    assert process.exitcode == 0 and wrong in (tmp_path / "error").read_text()


def test_a_world_that_does_not_fit_in_memory_says_how_much_it_needs(saved, monkeypatch):
    assert files.free_memory() > 1e6
    monkeypatch.setattr(files, "free_memory", lambda: 1000)
    with pytest.raises(InputError, match=r"needs 0\.\d GB of memory, and 0\.0 GB are free"):
        World.load(saved)


@pytest.mark.parametrize("content", [b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_a_prompt_that_is_no_picture_is_refused(world, tmp_path, content):
    with pytest.raises(InputError, match="01 is not a PNG picture"):
        world.save(tmp_path / "tiny", prompts={"01": content})
    assert not (tmp_path / "tiny").exists()


def test_a_prompt_of_another_size_is_refused(world, tmp_path, png):
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "PNG")
    with pytest.raises(InputError, match=r"must be \(24, 16\) pixels, got \(64, 64\)"):
        world.save(tmp_path / "tiny", prompts={"01": png, "02": file.getvalue()})

import json

import pytest
import torch

from playworld.agents.policy import NETWORKS, Policy, PolicyConfig
from playworld.config import InputError


def policy(kind="cnn", frames=3) -> Policy:
    torch.manual_seed(0)
    config = PolicyConfig(kind, "latent", 5, 64, 64, frames)
    return Policy(config, NETWORKS[kind](config).eval(), {"seed": 7})


@pytest.fixture
def video():
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (2, 3, 64, 64, 3), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("kind", ["cnn", "st"])
def test_what_is_loaded_chooses_as_what_was_saved(kind, video, tmp_path):
    made = policy(kind)
    made.save(tmp_path / "policy")
    again = Policy.load(tmp_path / "policy")
    assert (again.config, again.report, again.sha256) == (made.config, {"seed": 7}, made.sha256)
    assert torch.equal(again.logits(video), made.logits(video))


@pytest.mark.parametrize("kind", ["cnn", "st"])
@pytest.mark.parametrize("frame", [0, 1, 2])
def test_every_frame_of_the_window_matters(kind, frame, video):
    made, edited = policy(kind), video.clone()
    edited[0, frame] = 255 - edited[0, frame]
    before, after = made.logits(video), made.logits(edited)
    assert not torch.allclose(before[0], after[0]) and torch.allclose(before[1], after[1])


def test_the_order_of_frames_matters_to_the_transformer(video):
    made = policy("st")
    assert not torch.allclose(made.logits(video), made.logits(video[:, [1, 0, 2]]), atol=1e-5)


def test_an_altered_folder_is_refused(tmp_path):
    policy().save(tmp_path / "policy")
    path = tmp_path / "policy/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"choices": 6}))
    with pytest.raises(InputError, match="altered"):
        Policy.load(tmp_path / "policy")


@pytest.mark.parametrize("kind", ["cnn", "st"])
def test_a_picture_may_be_of_any_size(kind):
    network = NETWORKS[kind](PolicyConfig(kind, "true", 6, 60, 70))
    assert network(torch.zeros(2, 2, 60, 70, 3, dtype=torch.uint8)).shape == (2, 6)

import hashlib

import pytest
import torch

from playworld.config import InputError
from playworld.evaluate.fidelity.embeddings import I3D, RandomFeatures, prepare_i3d
from playworld.evaluate.metrics.fidelity import shuffle_time


@pytest.fixture
def video(scroll):
    films = [scroll([(2, 1)] * 9, kind, seed=s) for kind in ("noise", "tiles") for s in range(2)]
    return torch.stack(films)


def test_clips_are_prepared_as_the_recipe_says():
    video = torch.zeros(1, 10, 90, 160, 3, dtype=torch.uint8)
    video[..., 0] = 255
    prepared = prepare_i3d(video)
    assert prepared.shape == (1, 3, 10, 224, 224)
    torch.testing.assert_close(prepared[0, 0], torch.ones(10, 224, 224))
    torch.testing.assert_close(prepared[0, 2], -torch.ones(10, 224, 224))


def test_the_crop_takes_the_middle():
    video = torch.zeros(1, 10, 224, 448, 3, dtype=torch.uint8)
    video[:, :, :, 112:336] = 255
    assert prepare_i3d(video).min() == 1


def test_fewer_than_ten_frames_are_refused(video):
    with pytest.raises(ValueError, match="at least 10 frames, got 9"):
        prepare_i3d(video[:, :9])


def test_the_users_file_is_called_with_its_arguments_and_named_with_its_sum(networks, video):
    i3d = I3D(networks["i3d"])
    points = i3d(video)
    middle = prepare_i3d(video)
    assert points.shape == (4, 6)
    torch.testing.assert_close(points[:, :3], middle.mean(dim=(2, 3, 4)).double())
    assert hashlib.sha256(networks["i3d"].read_bytes()).hexdigest() in i3d.origin


def test_a_file_that_is_no_torchscript_is_refused_by_name(tmp_path):
    path = tmp_path / "weights.pt"
    path.write_bytes(b"no network")
    with pytest.raises(InputError, match="weights.pt is no TorchScript"):
        I3D(path)
    with pytest.raises(InputError, match="no file"):
        I3D(tmp_path / "missing.pt")


def test_a_network_that_is_not_i3d_is_refused(networks, video):
    with pytest.raises(InputError, match="does not work as I3D"):
        I3D(networks["wrong"])(video)


def test_random_features_are_the_same_every_time_and_of_every_batch(video):
    points = RandomFeatures()(video)
    assert torch.equal(points, RandomFeatures()(video))
    torch.testing.assert_close(points[:1], RandomFeatures()(video[:1]), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("change", ["frozen", "shuffled", "blurred"])
def test_random_features_see_what_is_wrong_with_a_film(video, change):
    wrong = {
        "frozen": video[:, :1].expand_as(video),
        "shuffled": shuffle_time(video),
        "blurred": video.float().unfold(3, 3, 1).mean(dim=-1).byte(),
    }[change]
    features = RandomFeatures()
    assert ((features(wrong) - features(video)).norm(dim=1) > 0.5).all()

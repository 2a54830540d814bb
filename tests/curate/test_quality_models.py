"""Quality models: simple features, a ResNet18, and the four questions that both answer."""

import numpy as np
import pytest
import torch

from playworld.curate.features import NUM_FEATURES, features
from playworld.curate.quality_models import KINDS, QuickModel, ordinal_loss
from playworld.curate.resnet import ResNet18

from .conftest import noise, slide, still


def video(*films) -> torch.Tensor:
    return torch.from_numpy(np.stack(films))


def test_features_are_of_one_length_whatever_the_size_of_the_frames():
    for height, width in ((64, 64), (90, 160), (17, 23)):
        film = torch.randint(0, 256, (2, 8, height, width, 3), dtype=torch.uint8)
        assert features(film).shape == (2, NUM_FEATURES)
        assert features(film).isfinite().all()


def test_features_tell_what_moves_from_what_stands():
    moved = features(video(slide(0, 8), still(0, 8)))[:, -3:]
    assert (moved[1] == 0).all() and (moved[0] > 0.3).all()


def test_features_tell_colours_apart():
    red = np.zeros((8, 32, 32, 3), dtype=np.uint8)
    red[..., 0] = 255
    one, other = features(video(red, red[..., ::-1].copy()))
    assert one[0] == 1 and other[0] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_higher_label_is_never_likelier_than_a_lower_one(kind):
    torch.manual_seed(0)
    model = KINDS[kind]().eval()
    torch.nn.init.normal_(model.thresholds)  # in no order
    chances = model.chances(video(slide(0, 8), noise(0, 8)))
    assert chances.shape == (2, 4)
    assert (chances.diff(dim=1) <= 0).all()


def test_the_loss_is_least_where_the_label_is_the_one_that_is_likely():
    sure = torch.tensor([[9.0, 9.0, -9.0, -9.0]])  # 3 at least, below 4
    losses = [float(ordinal_loss(sure, torch.tensor([label]))) for label in range(1, 6)]
    assert min(losses) == losses[2] < 0.001


def test_a_higher_score_makes_every_label_likelier():
    model = QuickModel()
    torch.nn.init.zeros_(model.linear.weight)
    film = video(slide(0, 8))
    before = model.chances(film)
    model.thresholds.data -= 1
    assert (model.chances(film) > before).all()


def test_the_network_has_as_many_parameters_as_every_resnet18():
    count = sum(p.numel() for p in ResNet18(in_channels=3, outputs=1000).parameters())
    assert count == 11_689_512  # torchvision.models.resnet18()


def test_the_tensors_of_the_network_are_called_as_torchvision_calls_them():
    names = set(ResNet18(3).state_dict())
    assert {"conv1.weight", "bn1.running_mean", "layer1.1.conv2.weight", "fc.bias"} <= names
    assert {"layer2.0.downsample.0.weight", "layer4.0.downsample.1.running_var"} <= names
    assert "layer1.0.downsample.0.weight" not in names

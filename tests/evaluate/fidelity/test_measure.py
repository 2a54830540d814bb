import pytest
import torch

from playworld.evaluate.fidelity.embeddings import I3D, RandomFeatures
from playworld.evaluate.fidelity.frechet import frechet_distance
from playworld.evaluate.fidelity.perceptual import LPIPS
from playworld.evaluate.metrics.fidelity import (
    embed_all,
    score_distance,
    shuffle_time,
)
from playworld.evaluate.metrics.lpips import score_lpips
from playworld.evaluate.rollouts import Rollouts


@pytest.fixture(scope="module")
def rollouts(scroll) -> Rollouts:
    """Six clips of which the world gets every second frame a little wrong."""
    clips = torch.stack([scroll([(2, 0)] * 13, "tiles", seed=seed) for seed in range(6)])
    made = clips[:, 2:].clone()
    made[:, ::2] = (made[:, ::2].float() * 0.9).byte()
    return Rollouts(clips[:, :2], clips[:, 2:], made, made.roll(1, dims=0))


@pytest.fixture(scope="module")
def others(scroll):
    return torch.stack([scroll([(2, 0)] * 11, "tiles", seed=seed) for seed in range(6, 12)])


def test_shuffled_films_have_the_same_frames_in_another_order(rollouts):
    shuffled = shuffle_time(rollouts.truth)
    same = (shuffled[:, :, None] == rollouts.truth[:, None]).flatten(3).all(dim=3)
    assert (same.sum(dim=2) >= 1).all()
    assert not torch.equal(shuffled, rollouts.truth)


def test_fvd_is_the_frechet_distance_between_the_points_of_the_users_network(
    networks, rollouts, others
):
    i3d = I3D(networks["i3d"])
    found = score_distance(embed_all(rollouts, others, i3d), i3d)
    made, real, spare = (i3d(v) for v in (rollouts.inferred, rollouts.truth, others))
    assert found["name"] == "FVD"
    assert found["same"]["world"]["mean"] == pytest.approx(frechet_distance(made, real))
    assert found["other"]["world"]["mean"] == pytest.approx(frechet_distance(made, spare))
    assert found["other"]["real"]["mean"] == pytest.approx(frechet_distance(real, spare))
    assert (found["clips"], found["other_clips"]) == (6, 6)


def test_a_good_world_lies_between_the_floor_and_the_controls(rollouts, others):
    features = RandomFeatures()
    found = score_distance(embed_all(rollouts, others, features), features)
    assert found["same"]["world"]["mean"] < found["same"]["copy_last"]["mean"]
    assert found["same"]["world"]["mean"] < found["same"]["time_shuffled"]["mean"]
    assert set(found["same"]) == {"world", "copy_last", "time_shuffled"}


def test_without_other_clips_there_is_no_floor_and_nothing_is_made_up(rollouts):
    features = RandomFeatures()
    found = score_distance(embed_all(rollouts, rollouts.truth[:0], features), features)
    assert found["other"] is None
    assert found["same"]["world"]["mean"] > 0


def test_lpips_is_taken_frame_by_frame_with_the_users_network(networks, rollouts):
    found, distances = score_lpips(rollouts, LPIPS(networks["lpips"]))
    gap = (rollouts.inferred.float() - rollouts.truth.float()).abs().mean(dim=(2, 3, 4)) / 127.5
    assert len(found["lpips"]) == rollouts.truth.shape[1]
    assert found["lpips"]["1"] == pytest.approx(gap[:, 0].mean().item(), abs=1e-6)
    assert found["lpips"]["2"] == 0
    torch.testing.assert_close(distances, gap)
    assert len(found["lpips_sha256"]) == 64


def test_a_network_that_is_not_lpips_is_refused(networks, rollouts):
    with pytest.raises(ValueError, match="does not work as LPIPS"):
        LPIPS(networks["wrong"])(rollouts.inferred, rollouts.truth)

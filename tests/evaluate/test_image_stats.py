import json

import pytest
import torch

from playworld.data.clips.shards import ShardWriter
from playworld.evaluate.image_stats import image_stats, real_image_stats


@pytest.fixture
def film(scroll):
    """Two scenes of a camera over tiles."""
    return [scroll([(2, 1), (1, -1)] * 20, "tiles", seed) for seed in (0, 1)]


@pytest.fixture
def real(film, tmp_path):
    with ShardWriter(tmp_path / "valid", 64, 64, 10.0) as writer:
        for number, frames in enumerate(film):
            times = [k / 10 for k in range(len(frames))]
            writer.write(frames.numpy(), f"{number}.mp4", times)
    (tmp_path / "dataset.json").write_text(json.dumps({"format": 1, "videos": str(tmp_path)}))
    return real_image_stats(tmp_path)


def blurred(frames: torch.Tensor) -> torch.Tensor:
    pictures = frames.movedim(-1, 1).float()
    pictures = torch.nn.functional.avg_pool2d(pictures, 5, stride=1, padding=2)
    return pictures.round().byte().movedim(1, -1)


def test_a_flat_picture_has_no_sharpness_and_its_own_colour():
    flat = torch.tensor([51, 102, 255], dtype=torch.uint8).expand(1, 8, 8, 3)
    assert image_stats(flat)[0].tolist() == pytest.approx([0.0, 0.2, 0.4, 1.0])


def test_sharpness_is_the_variance_of_the_laplacian():
    one = torch.zeros(1, 5, 5, 3, dtype=torch.uint8)
    one[0, 2, 2] = 255  # the Laplacian is -4 there, 1 at its four neighbours, 0 in the corners
    values = torch.tensor([-4.0, 1, 1, 1, 1, 0, 0, 0, 0])
    assert image_stats(one)[0, 0].item() == pytest.approx(values.var(unbiased=False).item())


def test_most_real_frames_look_real(real, film):
    assert real.in_range(torch.cat(film)).float().mean() > 0.9
    assert real.scenes == 2


def test_a_smear_does_not_look_real_and_neither_does_noise(real, film):
    assert not real.passes(blurred(film[0]))
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, film[0].shape, generator=generator).byte()
    assert not real.passes(noise)


def test_another_colour_does_not_look_real_though_it_is_as_sharp(real, film):
    assert not real.passes(film[0].flip(-1) // 2)


def test_the_test_is_also_put_to_real_scenes(real, film):
    assert real.passing_scenes == sum(real.passes(frames) for frames in film)

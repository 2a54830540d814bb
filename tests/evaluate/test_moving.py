import pytest
import torch

from playworld.evaluate.movement import camera_of, displacements, player_movements
from playworld.evaluate.moving import moving_displacement


def robot(steps: list[tuple[int, int]], size: int = 48) -> torch.Tensor:
    """A textured block that moves by `steps` (x, y) before a wall that stands still."""
    generator = torch.Generator().manual_seed(0)
    wall = (torch.rand(size, size, 1, generator=generator) * 150 + 50).byte().expand(-1, -1, 3)
    block = (torch.rand(10, 12, 3, generator=generator) * 255).byte()
    x, y, frames = 18, 19, []
    for right, down in [(0, 0), *steps]:
        x, y = x + right, y + down
        frame = wall.clone()
        frame[y : y + 10, x : x + 12] = block
        frames.append(frame)
    return torch.stack(frames)


STEPS = [(3, 0), (-2, 1), (0, -4), (0, 0), (1, 3)]


def test_before_a_fixed_camera_the_displacement_is_that_of_what_moves():
    found = player_movements(robot(STEPS)[None], "fixed")
    assert found[0].tolist() == [list(map(float, step)) for step in STEPS]


def test_the_picture_as_a_whole_does_not_move_there():
    assert displacements(robot(STEPS)[None]).abs().max() == 0


def test_noise_without_movement_is_no_displacement():
    still = robot([(0, 0)])
    noise = torch.randint(0, 6, still[1:].shape, generator=torch.Generator().manual_seed(1))
    assert (moving_displacement(still[:1], still[1:] + noise.byte()) == 0).all()


@pytest.mark.parametrize("kind", ["noise", "tiles"])
def test_a_camera_that_follows_is_told_from_one_that_stands(scroll, kind):
    assert camera_of(scroll([(3, 0), (-2, 0), (0, 2), (4, 0)], kind)[None]) == "follows"
    assert camera_of(robot(STEPS)[None]) == "fixed"


def test_of_mixed_clips_each_is_taken_by_its_own_camera(scroll):
    ways = [(3, 0), (-2, 0), (0, 3), (4, 0)]
    clips = torch.stack([scroll(ways, size=48), robot(ways)])
    assert camera_of(clips) == "mixed"
    found = player_movements(clips, "mixed")
    assert (found - torch.tensor(ways)).abs().max() <= 0.5


def test_where_nothing_changes_at_all_a_camera_counts_as_one_that_follows():
    assert camera_of(torch.zeros(1, 3, 16, 16, 3, dtype=torch.uint8)) == "follows"

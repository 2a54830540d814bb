"""Pictures between whole pixels."""

import math

import torch

from playworld.models.motion.source import (
    MARGIN,
    TAPS,
    Source,
    between,
    scene_number,
    scene_vector,
    shifted,
    stands_before,
)

REACH = 8


def test_no_frequency_is_amplified_and_edges_stay():
    waves = torch.linspace(0, math.pi, 1001, dtype=torch.float64)
    places = torch.arange(len(TAPS)) - (len(TAPS) - 1) / 2
    response = (torch.tensor(TAPS)[:, None] * (places[:, None] * waves).cos()).sum(0)
    assert abs(response[0] - 1) < 1e-9 and response.max() <= 1 + 1e-9
    assert response[waves <= 0.6 * math.pi].min() > 0.96


def test_a_view_that_moves_by_half_pixels_for_long_gets_no_stripes():
    draw = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, 32, 32, generator=draw)
    picture = torch.nn.functional.interpolate(coarse, scale_factor=2, mode="bilinear")
    halves = scene_vector(scene_number(torch.tensor([[0, 1]]), REACH), REACH)
    moved = picture
    for k in range(40):
        window = torch.nn.functional.pad(moved, [REACH] * 4, mode="replicate")
        moved = shifted(window, halves if k % 2 else -halves, REACH)
    inner = (..., slice(8, -8), slice(8, -8))
    assert moved[inner].std() <= picture[inner].std()
    assert (moved[inner] - picture[inner]).abs().mean() < 0.06


def test_whole_and_half_pixels_are_where_their_numbers_say():
    columns = torch.arange(64 + 2 * REACH, dtype=torch.float32) / 100
    window = columns.expand(1, 3, 64 + 2 * REACH, -1)
    for halves in (-5, -2, 0, 1, 4, 7):
        found = shifted(window, torch.tensor([[0, halves]]), REACH)
        wanted = (torch.arange(64) + REACH + halves / 2) / 100
        torch.testing.assert_close(found[0, 0, 10, 8:-8], wanted[8:-8])
    assert between(window, 3).shape[-1] == 64 + 2 * REACH - 2 * MARGIN + 1


def test_a_block_that_moves_by_itself_takes_what_stands_before_the_scene_and_no_scene():
    reach, still = 4, torch.tensor([False])
    scene = torch.rand(1, 3, 24 + 2 * reach, 32 + 2 * reach, generator=torch.manual_seed(0))
    picture = scene.clone()
    figure = slice(reach + 10, reach + 14), slice(reach + 9, reach + 12)
    picture[..., *figure] = (scene[..., *figure] + 0.5) % 1
    window = torch.cat([picture, scene, stands_before(picture, scene)], dim=1)
    source = Source.of(window, scene_number(torch.tensor([[0, 4]]), reach), reach, still)
    motions = torch.full((1, 1, 6, 8), (2 * reach + 1) ** 2)  # all with the scene
    plain = source.copies(motions, 4)
    motions[..., 2:4, 2:4] = ((2 * reach + 1) ** 2 - 1) // 2  # a block at rest
    found = source.copies(motions, 4)
    there = slice(10, 14), slice(9, 12)
    assert torch.equal(found[0, 0][:, *there], picture[0][:, *figure])
    found[0, 0][:, *there] = plain[0, 0][:, *there]
    assert torch.equal(found, plain)


def test_all_of_a_block_moves_where_nothing_is_known_to_stand_before_the_scene():
    reach, still = 4, torch.tensor([False])
    scene = torch.rand(1, 3, 24 + 2 * reach, 32 + 2 * reach, generator=torch.manual_seed(0))
    window = torch.cat([scene, scene, torch.zeros_like(scene[:, :1])], dim=1)
    source = Source.of(window, scene_number(torch.tensor([[0, 4]]), reach), reach, still)
    motions = torch.full((1, 1, 6, 8), ((2 * reach + 1) ** 2 - 1) // 2)
    at_rest = scene[..., reach:-reach, reach:-reach]
    assert torch.equal(source.copies(motions, 4)[:, 0], at_rest)

import json

import pytest
import torch

from playworld.config import InputError
from playworld.data.clips.shards import ShardWriter
from playworld.evaluate.starts import LEVEL, PROMPT_FRAMES, level_starts, on_level

RUN, FALL = (2, 0), (2, 4)


@pytest.fixture
def hilly(scroll, tmp_path):
    """Held-out video of a run on level ground that falls off a cliff, and of a fall alone."""
    with ShardWriter(tmp_path / "valid", 64, 64, 10.0) as writer:
        for name, steps in (("cliff", [RUN] * 11 + [FALL] * 8), ("fall", [FALL] * 11)):
            frames = scroll(steps, "tiles").numpy()
            writer.write(frames, f"{name}.mp4", [k / 10 for k in range(len(frames))])
    (tmp_path / "dataset.json").write_text(json.dumps({"format": 1, "videos": str(tmp_path)}))
    return tmp_path


def moves(starts):
    """How the picture of each start moved, pixels per transition."""
    from playworld.evaluate.movement import displacements

    return displacements(starts.video)


def test_starts_are_moments_without_movement_up_or_down(hilly):
    starts = level_starts(hilly, 2)
    assert starts.video.shape == (2, PROMPT_FRAMES, 64, 64, 3)
    assert starts.level == 2
    assert moves(starts)[..., 1].abs().max() < 0.5
    assert moves(starts)[..., 0].abs().min() > 1.5  # running is no reason to leave a start out


def test_falls_fill_up_and_are_counted_as_not_level(hilly):
    starts = level_starts(hilly, 6)
    assert len(starts.video) == 6
    assert 0 < starts.level < 6
    assert moves(starts)[: starts.level, :, 1].abs().max() < 0.5
    assert moves(starts)[-1, :, 1].abs().max() > 3


def test_one_frame_is_given_where_one_is_asked_for_but_more_are_looked_at(hilly):
    long, short = level_starts(hilly, 2), level_starts(hilly, 2, prompt_frames=1)
    assert short.level == 2
    assert torch.equal(short.video, long.video[:, -1:])


def test_the_same_seed_chooses_the_same_starts(hilly):
    assert torch.equal(level_starts(hilly, 2, seed=3).video, level_starts(hilly, 2, seed=3).video)


def test_a_split_without_such_scenes_is_an_error(hilly):
    with pytest.raises(InputError):
        level_starts(hilly, 2, prompt_frames=40)


def test_a_transition_begins_on_level_ground_if_the_ones_before_it_were_level():
    moved = torch.zeros(1, 8, 2)
    moved[0, 2] = torch.tensor([0.0, 5.0])
    moved[..., 0] = 3
    found = on_level(moved)[0].tolist()
    assert LEVEL == 3
    assert found == [False, False, False, False, False, False, True, True]

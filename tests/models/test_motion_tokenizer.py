"""Tokens of changes: what stays is exact, what moves is found, what is new is coded."""

from dataclasses import replace

import pytest
import torch

from playworld.models.motion.block_matching import choose_motion, matching_costs, near_scene
from playworld.models.motion.blocks import still, vector
from playworld.models.motion.canvas import Canvas
from playworld.models.motion.changes import (
    BLEND,
    FOLLOW,
    SKIP,
    Changes,
    alternatives,
    join_digits,
    split_digits,
)
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.find_changes import find_changes
from playworld.models.motion.source import scene_number, scene_vector
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.pixels import to_float
from playworld.models.quantizer import QuantizerConfig

CONFIG = MotionTokenizerConfig(
    32, 48, QuantizerConfig(64, 192, normalize=False), reach=4, stages=2, channels=8, layers=1
)


def make(**other) -> MotionTokenizer:
    torch.manual_seed(0)
    tokenizer = MotionTokenizer(replace(CONFIG, **other)).eval()
    for book in tokenizer.books:
        book.codebook.mul_(0.1)
    return tokenizer


def land(height: int = 96, width: int = 160, seed: int = 0) -> torch.Tensor:
    """A picture in which every place looks different."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(256, (height, width, 3), dtype=torch.uint8, generator=draw)


def panned(path: list[tuple[int, int]], seed: int = 0) -> torch.Tensor:
    """Views (1, T, 32, 48, 3) of a land from these upper left corners."""
    picture = land(seed=seed)
    return torch.stack([picture[y : y + 32, x : x + 48] for y, x in path])[None]


def of(tokens: torch.Tensor) -> Changes:
    return Changes.unpack(tokens, CONFIG.num_blocks)


@torch.no_grad()
def test_a_still_video_comes_back_bit_for_bit_and_costs_nothing():
    video = land(32, 48)[None, None].expand(2, 4, -1, -1, -1)
    tokenizer = make()
    tokens = tokenizer.encode(to_float(video))
    assert torch.equal(tokenizer.decode(tokens, to_float(video[:, 0])), to_float(video))
    changes = of(tokens)
    assert (scene_vector(changes.scene, CONFIG.reach) == 0).all()
    assert not changes.motion.any() and not changes.split.any() and not changes.new.any()


@torch.no_grad()
@pytest.mark.parametrize("step", [(0, 3), (0, -4), (2, 0), (-3, 1)])
def test_a_moving_view_is_one_motion_of_the_scene(step):
    video = panned([(30 + k * step[0], 50 + k * step[1]) for k in range(4)])
    tokenizer = make()
    changes = of(tokenizer.encode_pairs(to_float(video)))
    moved = scene_vector(changes.scene[0, 1:], CONFIG.reach)
    assert moved.tolist() == [[2 * step[0], 2 * step[1]]] * 3
    plain = (changes.motion == 0) & (changes.split == 0) & ~changes.new
    inside = plain[0, 1:].unflatten(1, CONFIG.grid)[:, 1:-1, 1:-1]
    assert inside.all()  # all but the edge, where something may come into view


@torch.no_grad()
def test_edges_and_not_the_dark_background_say_how_the_scene_moves():
    """A third of the picture is a wall that moves by 3 pixels; what is behind it by 1."""
    wall, behind = panned([(30, 50), (30, 53)]), panned([(60, 20), (60, 21)]) // 8
    video = behind.clone()
    video[:, :, CONFIG.height * 2 // 3 :] = wall[:, :, CONFIG.height * 2 // 3 :]
    changes = of(make().encode_pairs(to_float(video)))
    assert scene_vector(changes.scene[0, 1], CONFIG.reach).tolist() == [0, 6]


@torch.no_grad()
def test_what_comes_into_view_does_not_hide_that_the_scene_moves():
    dim, columns = land() // 12, slice(50, 98)
    lit = dim.clone()
    lit[:32] = 255  # is out of view, and has changed when it comes back
    video = torch.stack([lit[29:61, columns], lit[32:64, columns], dim[31:63, columns]])[None]
    changes = of(make(keeps_scene=True).encode_pairs(to_float(video)))
    assert scene_vector(changes.scene[0, 2], CONFIG.reach).tolist() == [-2, 0]


@torch.no_grad()
def test_a_texture_that_repeats_moves_in_one_way():
    """A tile of 5 pixels matches at several motions, by accident of noise better at another."""
    torch.manual_seed(0)
    tile = torch.randint(60, 200, (5, 5, 3))
    rows, columns = torch.arange(CONFIG.height) % 5, torch.arange(CONFIG.width) % 5
    first, second = (tile[(rows[:, None] + k) % 5, columns] for k in (0, 2))
    noise = torch.randint(-8, 9, (2, *first.shape))
    video = (torch.stack([first, second]) + noise).clamp(0, 255).to(torch.uint8)[None]
    changes = of(make().encode_pairs(to_float(video)))
    inside = CONFIG.grid[1]  # the first row of blocks comes into view
    assert not changes.motion[0, 1, inside:].any() and not changes.new[0, 1, inside:].any()


@torch.no_grad()
def test_what_the_dynamics_learn_from_leaves_out_small_differences():
    video = panned([(30, 50), (30, 50)]) // 2
    video[0, 1] += torch.randint(0, 14, video[0, 1].shape, dtype=torch.uint8)
    tokenizer = make()
    assert of(tokenizer.encode(to_float(video))).new[0, 1].any()
    assert not of(tokenizer.encode_pairs(to_float(video))).new[0, 1].any()


@torch.no_grad()
def test_what_left_the_view_is_still_there_when_it_comes_back():
    path = [(30, 50), (30, 54), (30, 58), (30, 54), (30, 50)]
    video, tokenizer = panned(path), make()
    tokens = tokenizer.encode(to_float(video))
    shown = tokenizer.decode(tokens, to_float(video[:, 0]))
    # Columns on the right were in one block with others that came into view.
    assert torch.equal(shown[0, 4, :, :32], to_float(video[0, 4, :, :32]))


@torch.no_grad()
def test_what_was_never_seen_mirrors_the_first_picture():
    picture = land(32, 48)
    view = Canvas.around(picture.permute(2, 0, 1)[None]).view(margin=4)[0].permute(1, 2, 0)
    assert torch.equal(view[4:-4, 4:-4], picture)
    assert torch.equal(view[4:-4, :4], picture[:, :4].flip(1))
    assert torch.equal(view[-4:, 4:-4], picture[-4:].flip(0))


@torch.no_grad()
def test_a_small_figure_moves_over_a_scene_that_moves_otherwise():
    """Four pixels wide, on the border of blocks: a quarter of a block has a motion of its own."""
    video = panned([(30, 50), (30, 53)])
    figure = land(4, 4, seed=7)
    video[0, 0, 12:16, 24:28] = video[0, 1, 12:16, 28:32] = figure
    tokenizer = make()
    changes = of(tokenizer.encode(to_float(video)))
    assert scene_vector(changes.scene[0, 1], CONFIG.reach).tolist() == [0, 6]
    vectors = changes.vectors(CONFIG.num_motions)[:, 1]
    block = 1 * CONFIG.grid[1] + 3  # rows 8 to 16, columns 24 to 32
    assert vector(vectors[0, block], CONFIG.reach).tolist() == [0, -4]
    assert changes.motion[0, 1, block - CONFIG.grid[1]] == FOLLOW
    choices = alternatives(vectors, CONFIG.num_motions)[0, block]
    quarters = choices[split_digits(changes.split[0, 1, block])]
    assert quarters.tolist() == [CONFIG.num_motions] * 3 + [int(vectors[0, block])]


def followed(steps: int = 7) -> torch.Tensor:
    """A character of one block that the camera follows to the right, three pixels a frame."""
    video = panned([(30, 50 + 3 * t) for t in range(steps)])
    video[0, :, 8:16, 16:24] = land(8, 8, seed=7)
    return video


@torch.no_grad()
def test_a_character_that_the_camera_follows_moves_by_itself():
    changes, block = of(make(keeps_scene=True).encode_pairs(to_float(followed()))), 6 + 2
    vectors = changes.vectors(CONFIG.num_motions)[0, 1:, block]
    assert vectors.tolist() == [still(CONFIG.reach)] * 6


@torch.no_grad()
def test_what_a_character_uncovers_is_the_scene_where_that_is_kept():
    """Seen before, it needs neither a motion nor content."""
    video, beside = followed(), 6 + 1
    for keeps in (False, True):
        changes = of(make(keeps_scene=keeps).encode_pairs(to_float(video)))
        known = (changes.motion == FOLLOW) & ~changes.new
        assert bool(known[0, 5:, beside].all()) == keeps


@torch.no_grad()
def test_the_scene_that_is_kept_has_no_character_in_it():
    tokenizer, video = make(keeps_scene=True), to_float(followed())
    layers, moved, _ = tokenizer.context_pictures(tokenizer.encode_pairs(video), video)
    picture, scene = layers[0, 5].split([3, 3, 1], dim=-1)[:2]
    alone = to_float(panned([(30, 65)]))[0, 0]
    assert torch.equal(picture, video[0, 5])
    assert torch.equal(scene[8:16, 8:24], alone[8:16, 8:24])
    assert torch.equal(moved[0, 6, :, :40], to_float(panned([(30, 68)]))[0, 0, :, :40])


@torch.no_grad()
def test_the_scene_can_be_shown_as_other_changes_move_it():
    tokenizer, video = make(keeps_scene=True), to_float(followed())
    tokens = tokenizer.encode_pairs(video)
    others = tokens.clone()
    others[:, 6, 0] = scene_number(torch.tensor([2, 0]), CONFIG.reach)
    layers, moved, flight = tokenizer.context_pictures(tokens, video)
    same, other, as_before = tokenizer.context_pictures(tokens, video, others)
    assert torch.equal(same, layers) and torch.equal(as_before, flight)
    assert torch.equal(other[:, :6], moved[:, :6])
    assert torch.equal(other[0, 6, :31], layers[0, 5, 1:, :, 3:6])


@torch.no_grad()
def test_changes_by_the_motion_that_would_be_found_are_the_same_and_others_are_by_the_one_given():
    tokenizer, frames = make(keeps_scene=True), followed().permute(0, 1, 4, 2, 3)
    tables, canvas = tokenizer.books.tables(), tokenizer.canvas_around(frames[:, 0])
    config, books = tokenizer.config, tokenizer.books
    found, left, _ = find_changes(config, books, tables, canvas, frames[:, 1])
    again, same, _ = find_changes(config, books, tables, canvas, frames[:, 1], known=found.scene)
    assert torch.equal(again.pack(), found.pack()) and torch.equal(same, left)
    known = scene_number(torch.tensor([[2, 1]]), CONFIG.reach)
    other, *_ = find_changes(config, books, tables, canvas, frames[:, 1], known=known)
    assert torch.equal(other.scene, known) and not torch.equal(other.motion, found.motion)


@torch.no_grad()
def test_a_character_that_rests_with_the_view_stays_before_the_scene():
    tokenizer, video = make(keeps_scene=True), to_float(followed())
    video = torch.cat([video, video[:, -1:].expand(-1, 2, -1, -1, -1)], dim=1)
    tokens = tokenizer.encode_pairs(video)
    assert torch.equal(
        tokens[:, -2:], tokenizer.no_change(1, tokens.device)[:, None].expand(-1, 2, -1)
    )
    layers, *_ = tokenizer.context_pictures(tokens, video)
    assert torch.equal(layers[0, -1], layers[0, -3])
    picture, scene = layers[0, -1].split([3, 3, 1], dim=-1)[:2]
    assert not torch.equal(picture, scene)


@torch.no_grad()
def test_what_stands_before_the_scene_never_becomes_it():
    """A plain figure at rest looks inside as if it came along with a scene that moves."""
    tokenizer = make(keeps_scene=True)
    scene = panned([(30, 50)])[:, 0].permute(0, 3, 1, 2)
    picture, before = scene.clone(), torch.zeros_like(scene[:, :1])
    figure = slice(8, 24), slice(16, 32)
    picture[..., *figure] = 200
    before[..., *figure] = 255
    canvas = Canvas.around(torch.cat([picture, scene, before], dim=1))
    tokens = tokenizer.no_change(1, scene.device)
    changes = of(tokens)
    changes.motion.unflatten(1, CONFIG.grid)[:, 1:3, 2:4] = 1 + still(CONFIG.reach)
    motion = scene_number(torch.tensor([[0, 4]]), CONFIG.reach)
    for _ in range(4):
        step = replace(changes, scene=motion).pack()
        shown, canvas = tokenizer.decode_step(step, canvas)
    found, behind, stands = canvas.view().split([3, 3, 1], dim=1)
    assert (found[..., *figure] == 200).all() and (stands[..., *figure] == 255).all()
    assert stands.float().mean() == before.float().mean()
    moved = panned([(30, 58)])[:, 0].permute(0, 3, 1, 2)
    assert torch.equal(behind[..., :40], moved[..., :40])
    assert torch.equal(to_float(found)[0].permute(1, 2, 0), shown[0])


@torch.no_grad()
def test_a_character_before_a_still_camera_shows_its_way_wherever_it_is():
    tokenizer, figure = make(), land(8, 8, seed=7)
    views = []
    for row, column in ((8, 8), (16, 24)):
        video = panned([(30, 50)] * 2)
        video[0, 0, row : row + 8, column : column + 8] = figure
        video[0, 1, row : row + 8, column + 3 : column + 11] = figure
        views.append(tokenizer.code_grid(tokenizer.encode(to_float(video)))[0, 1, 0, 0])
    views.append(
        tokenizer.code_grid(tokenizer.encode(to_float(panned([(30, 50), (30, 53)]))))[0, 1, 0, 0]
    )
    *still, follows = [[round(float(x), 1) for x in view] for view in views]
    for scene_y, scene_x, y, x in still:
        assert scene_y == scene_x == 0 and x > 0.3 and abs(y) < 0.1
    assert follows[1] > 0.5 and not any(follows[2:])  # a camera that follows shows it by itself


@torch.no_grad()
def test_tokens_depend_on_the_past_alone():
    tokenizer, video = make(), panned([(30, 50), (31, 52), (32, 54), (30, 51)])
    other = torch.cat([video[:, :3], land(32, 48, seed=5)[None, None]], dim=1)
    assert torch.equal(
        tokenizer.encode(to_float(video))[:, :3], tokenizer.encode(to_float(other))[:, :3]
    )


@torch.no_grad()
def test_pairs_are_coded_against_the_true_frame_before():
    """What the decoder made of a frame does not matter, so nothing of a wrong one is mended."""
    tokenizer, video = make(), panned([(30, 50), (30, 50), (30, 50)])
    video[:, 1:] = video[:, 1:].flip(-1)  # other colours, which no code has
    tokens = tokenizer.encode_pairs(to_float(video))
    assert torch.equal(tokens[:, 1], tokenizer.encode(to_float(video[:, :2]))[:, 1])
    assert of(tokenizer.encode(to_float(video))).new[0, 2].any()
    assert torch.equal(tokens[:, 2], tokens[:, 0])
    assert torch.equal(tokenizer.encode_pairs(to_float(video[:, :1])), tokens[:, :1])


@torch.no_grad()
def test_what_comes_back_into_view_is_no_change_for_the_dynamics():
    video = panned([(30, 50), (30, 54), (30, 50)])
    changes = of(make().encode_pairs(to_float(video)))
    assert changes.new[0, 1].any() and not changes.new[0, 2].any()


@torch.no_grad()
def test_rows_of_a_batch_do_not_depend_on_each_other():
    tokenizer = make()
    video = torch.cat([panned([(30, 50), (32, 51), (33, 49)], seed) for seed in range(3)])
    tokens = tokenizer.encode(to_float(video))
    together = tokenizer.decode(tokens, to_float(video[:, 0]))
    for row in range(3):
        assert torch.equal(tokenizer.encode(to_float(video[row : row + 1]))[0], tokens[row])
        alone = tokenizer.decode(tokens[row : row + 1], to_float(video[row : row + 1, 0]))
        assert torch.equal(alone[0], together[row])


def test_the_cost_of_every_motion_is_its_mean_squared_error():
    """To the last bit, and in pictures wider than what is matched at once."""
    window = land(24 + 8, 136 + 8).permute(2, 0, 1)[None]
    frame = land(24, 136, seed=1).permute(2, 0, 1)[None]
    costs = matching_costs(window, frame, side=4, reach=4)
    for y, x in ((0, 0), (8, 8), (3, 5)):
        moved = window[..., y : y + 24, x : x + 136].double()
        squares = (moved - frame).square().sum(1).unfold(1, 4, 4).unfold(2, 4, 4).sum((-1, -2))
        assert torch.equal((costs[..., 9 * y + x] * 48 * 255**2).round().double(), squares)


@torch.no_grad()
def test_a_state_stays_as_it_was_unless_asked_otherwise():
    tokenizer, video = make(), panned([(30, 50), (32, 51)])
    state = tokenizer.begin(to_float(video[:, 0]))
    before = state.map(torch.clone)
    tokens = tokenizer.encode(to_float(video))[:, 1]
    first, _ = tokenizer.decode_step(tokens, state)
    assert torch.equal(state.pixels, before.pixels) and torch.equal(state.corner, before.corner)
    again, _ = tokenizer.decode_step(tokens, state, in_place=True)
    assert torch.equal(first, again) and not torch.equal(state.pixels, before.pixels)


@torch.no_grad()
@pytest.mark.parametrize("size", [(90, 160), (18, 27), (8, 8)])
def test_frames_of_any_size(size):
    tokenizer = make(height=size[0], width=size[1])
    video = torch.stack([land(*size, seed=k) for k in range(3)])[None]
    tokens = tokenizer.encode(to_float(video))
    shown = tokenizer.decode(tokens, to_float(video[:, 0]))
    assert tokens.shape == (1, 3, tokenizer.num_tokens) and shown.shape == video.shape
    assert torch.equal(shown[:, 0], to_float(video[:, 0]))


def test_changes_and_tokens_are_two_forms_of_one_thing():
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(30, (2, 5, CONFIG.num_tokens), generator=draw)
    assert torch.equal(of(tokens).pack(), tokens)
    numbers = torch.arange(8**4)
    assert torch.equal(join_digits(split_digits(numbers)), numbers)


def test_quarters_choose_their_own_motion_first_then_the_commonest():
    vectors = torch.tensor([[5, 5, 5, 7, 7, 9]])
    choices = alternatives(vectors, 81)
    assert choices[0, :, 0].tolist() == vectors[0].tolist()
    assert choices[0, 0, 1:].tolist() == [5, 7, 9, 40, 0, 1, 2]  # 40 is rest


@torch.no_grad()
def test_a_block_without_a_code_is_blended_from_what_surrounds_it():
    tokenizer, video = make(), panned([(30, 50), (30, 50)])
    nothing = of(tokenizer.encode(to_float(video)))
    some = nothing.codes.clone()
    some[0, 1, 0, 0] = BLEND
    canvas = tokenizer.begin(to_float(video[:, 0]))
    changes = Changes(nothing.scene[:, 1], nothing.motion[:, 1], nothing.split[:, 1], some[:, 1])
    picture = tokenizer.render(tokenizer.source(canvas, changes), changes)
    plain = to_float(canvas.view())
    assert not torch.equal(picture[..., :8, :8], plain[..., :8, :8])
    assert torch.equal(picture[..., 8:], plain[..., 8:])
    assert (nothing.codes == SKIP).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"patch": 4}, "patch"),
        ({"patch": 12}, "patch"),
        ({"reach": 0}, "reach"),
        ({"content": QuantizerConfig(64, 100, normalize=False)}, "code_size"),
        ({"content": QuantizerConfig(64, 192)}, "normalize"),
    ],
)
def test_a_shape_that_cannot_be_is_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **change)


@pytest.mark.parametrize(("blocks", "taken"), [(3, False), (8, True)])
def test_a_motion_beside_the_scenes_is_that_of_a_layer_or_an_accident(blocks, taken):
    reach = 4
    number = {way: (way[0] + reach) * 9 + way[1] + reach for way in [(0, 2), (0, 3), (0, -2)]}
    scene = torch.tensor([number[0, 2]])
    near = near_scene(scene, reach)
    assert int(near.sum()) == 8 and near[0, number[0, 3]] and not near[0, number[0, -2]]
    assert not near_scene(torch.tensor([still(reach)]), reach).any()
    errors = torch.full((1, 16, 82), 0.04)
    errors[:, :blocks, number[0, 3]] = 0.0
    errors[:, -2:, number[0, -2]] = 0.0
    motions = choose_motion(errors, reach, 1e-3, near, layer_blocks=7)[0]
    assert (motions[:blocks] == number[0, 3]).all() == taken
    assert (motions[-2:] == number[0, -2]).all()
    assert (choose_motion(errors, reach, 1e-3)[0, :blocks] == number[0, 3]).all()

"""The world's own frames as the past of a clip, as in play, and the changes that mend them.

The dynamics of changes draws each frame on its last one, so an error stays in the picture: what a
jumping character leaves behind stands there until something takes it away. Clips of true frames
contain no such errors. Here some clips go on from the world's own pictures (DAgger,
arXiv:1011.0686). Motion is to be predicted as it is in truth, so that errors are not followed by
more of them, except where it brings nothing that is there: a character that is gone would drag a
piece of the scene along. Content is to be predicted where the picture differs from the true one.

A landing that is missed by a pixel leaves a character in the ground, where none ever is in truth,
and the world would fall on from there. So some scenes move as the world draws them, and the next
motion puts the view back.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from playworld.models.motion.canvas import Canvas
from playworld.models.motion.changes import Changes
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.motion.dynamics import MotionDynamics
from playworld.models.motion.find_changes import find_changes, left_by_copies, that_help
from playworld.models.motion.residual_codes import CodeTable
from playworld.models.motion.source import Source, comes_into_view, scene_number, scene_vector
from playworld.models.motion.tokenizer import MotionTokenizer
from playworld.models.pixels import to_float
from playworld.world.token_sampler import ChangeSampler

TEMPERATURE = 0.1
"""At which its own frames are drawn, as in play."""
MEND_ABOVE = 1e-2
"""Mean squared error (of pixels in [0, 1]) of a block from which on the world is to mend it: it
cannot know where smaller errors are."""
SLIP = 6
"""Half pixels, the largest error of the motion of a scene that is followed."""


@dataclass(frozen=True)
class Rollout:
    """Clips that go on from the world's own pictures."""

    targets: Int[Tensor, "B T L"]
    """The motions of `that_match`, and what these leave of the true frame."""
    tokens: Int[Tensor, "B T L"]
    """The changes from which its own pictures were decoded."""
    pictures: Float[Tensor, "B T H W C"]
    """True frames, then its own. In [0, 1]."""


@torch.no_grad()
def roll_out(
    tokenizer: MotionTokenizer,
    dynamics: MotionDynamics,
    video: Float[Tensor, "B T H W C"],
    actions: Float[Tensor, "B S E"],
    truth: Int[Tensor, "B T L"],
    begins: Int[Tensor, " B"],
    noise: Float[Tensor, "B T draws"],
    slips: Bool[Tensor, "B T"],
) -> Rollout:
    """Draw the blocks of later frames by the dynamics, from their own pictures.

    Where the scene moves as it does in truth, what comes into view is true, too: neither could be
    known, so a difference there is no error.

    Args:
        tokenizer: of the world.
        dynamics: as it is in training.
        video: true frames in [0, 1].
        actions: latent actions; number k leads from frame k to frame k+1.
        truth: the changes of the true frames.
        begins: the first frame of each clip that is its own, at least 1.
        noise: uniform numbers, `ChangeSampler.draws` for each frame.
        slips: own frames whose scene moves as the dynamics draw it.
    """
    config, tables = tokenizer.config, tokenizer.books.tables()
    sampler = ChangeSampler(dynamics.config)
    frames = tokenizer.pad_to_blocks(video)
    canvas = tokenizer.canvas_around(frames[:, 0])
    nothing = tokenizer.no_change(len(video), video.device)
    targets, tokens, pictures = [nothing], [nothing], [video[:, 0]]
    shape = len(video), dynamics.config.num_positions
    known = torch.zeros(shape, dtype=torch.bool, device=video.device)
    hidden = ~known
    hidden[:, 0] = False  # the scene
    features = picture_features(tokenizer, dynamics, canvas)
    memory = dynamics.start_cache(len(video))
    memory = memory.append(dynamics.step(nothing, known, None, memory, features)[1])
    drift = torch.zeros_like(canvas.corner)  # half pixels from the true view
    for t, frame in enumerate(to_float(frames[:, 1:]).unbind(1), start=1):
        true = Changes.unpack(truth[:, t], config.num_blocks)
        own, action = begins <= t, actions[:, t - 1]
        moves = back_to_truth(tokenizer, true, canvas, frames[:, t], drift, tables)
        target = mending(tokenizer, moves, canvas, frame, begins < t, tables)
        given, slipping = target, own & slips[:, t]
        if slipping.any():
            features = picture_features(tokenizer, dynamics, canvas)
            logits, _ = dynamics.step(target.pack(), ~known, action, memory, features)
            scene = sampler.draw_scene(logits.float(), TEMPERATURE, noise[:, t])[:, 0]
            slipping &= is_near(scene, target.scene, config.reach)
            given = replace(target, scene=torch.where(slipping, scene, target.scene))
        drift += scene_vector(given.scene, config.reach) - scene_vector(true.scene, config.reach)
        asked = given.pack()
        moved = tokenizer.moved_scene(canvas, asked)[:, None]
        features = picture_features(tokenizer, dynamics, canvas, moved)
        logits, _ = dynamics.step(asked, hidden, action, memory, features)
        drawn = sampler.draw_blocks(asked, logits, TEMPERATURE, noise[:, t])
        free = own[:, None] & ~comes_into_view(target.scene, config)
        decided = torch.where(free.repeat(1, 2 + config.stages), drawn.pack()[:, 1:], asked[:, 1:])
        decided = torch.cat([asked[:, :1], decided], dim=1)
        mixed = Changes.unpack(decided, config.num_blocks)
        source = tokenizer.source(canvas, mixed)
        rendered = tokenizer.render(source, mixed)
        picture = torch.where(own[:, None, None, None], rendered, frame)
        canvas = tokenizer.moved_canvas(canvas, source, mixed, picture, in_place=True)
        entry = dynamics.step(decided, known, action, memory, features)[1]
        memory = memory.append(entry, in_place=True)
        targets.append(target.pack())
        tokens.append(decided)
        pictures.append(tokenizer.visible_picture(canvas))
    return Rollout(*(torch.stack(parts, dim=1) for parts in (targets, tokens, pictures)))


def back_to_truth(
    tokenizer: MotionTokenizer,
    truth: Changes,
    canvas: Canvas,
    frames: UInt8[Tensor, "B C H W"],
    drift: Int[Tensor, "B 2"],
    tables: list[CodeTable],
) -> Changes:
    """The true changes; where the view has drifted those that lead from it to these frames."""
    astray = drift.any(1)
    if not astray.any():
        return truth
    config = tokenizer.config
    halves = scene_vector(truth.scene[astray], config.reach) - drift[astray]
    scene = scene_number(halves.clamp(-2 * config.reach, 2 * config.reach), config.reach)
    own, frames = canvas.map(lambda t: t[astray]), frames[astray]
    found, *_ = find_changes(
        config, tokenizer.books, tables, own, frames, predictable=True, known=scene
    )
    tokens = truth.pack()
    tokens[astray] = found.pack()
    return Changes.unpack(tokens, config.num_blocks)


def is_near(scene: Int[Tensor, " B"], true: Int[Tensor, " B"], reach: int) -> Bool[Tensor, " B"]:
    """Whether a motion of the scene is nearly the true one, and the view does not rise.

    How high a jump will be cannot be known, so a jump of another height is no error.
    """
    wanted = scene_vector(true, reach)
    return ((scene_vector(scene, reach) - wanted).abs().amax(1) <= SLIP) & (wanted[:, 0] >= 0)


def mending(
    tokenizer: MotionTokenizer,
    moves: Changes,
    canvas: Canvas,
    frames: Float[Tensor, "B C H W"],
    own: Bool[Tensor, " B"],
    tables: list[CodeTable],
) -> Changes:
    """Motions that lead to these frames, and content where they leave large errors."""
    config = tokenizer.config
    moves = that_match(config, moves, tokenizer.source(canvas, moves), frames, own)
    left = left_by_copies(config, tokenizer.source(canvas, moves), frames, moves)
    codes = tokenizer.books.quantize(left, tables, config.predict_below)
    mends = moves.new | (left.square().mean(-1) > MEND_ABOVE)
    return replace(moves, codes=codes * mends[..., None])


def that_match(
    config: MotionTokenizerConfig,
    truth: Changes,
    source: Source,
    frames: Float[Tensor, "B C H W"],
    own: Bool[Tensor, " B"],
) -> Changes:
    """The true motions; blocks to which they bring nothing follow the scene (see `that_help`).

    Only in rows of `own` pictures. Codes stay as they were.
    """
    helping = that_help(config, truth, source, frames)
    motion = torch.where(own[:, None], helping.motion, truth.motion)
    return replace(
        truth, motion=motion, split=torch.where(own[:, None], helping.split, truth.split)
    )


def picture_features(
    tokenizer: MotionTokenizer,
    dynamics: MotionDynamics,
    canvas: Canvas,
    moved: Float[Tensor, "B T H W 3"] | None = None,
) -> Float[Tensor, "B N D"]:
    """What the dynamics see of a canvas; `moved` is its scene as it moves, of one frame."""
    seen, flight = tokenizer.layers_in_view(canvas)[:, None], canvas.flight[:, None]
    return dynamics.picture_features(seen, flight, moved)[:, 0]

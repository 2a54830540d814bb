"""Long play: rollouts that keep looking real, and in which left and right still move."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from playworld.evaluate.context import Context
from playworld.evaluate.image_stats import RealImageStats
from playworld.evaluate.intervals import A_SHARE, Samples
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row, Tile
from playworld.evaluate.movement import Camera, player_movements
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.page.numbers import number
from playworld.evaluate.pictures import long_grid
from playworld.evaluate.report import SideBySide
from playworld.evaluate.rollouts import press
from playworld.words import counted
from playworld.world import SamplerConfig, World, WorldState

HOLD = (2, 8)
"""Fewest and most frames for which a button is held."""

LATE = 0.75
"""Share of the frames after which movement is tested: from frame 150 of 200."""

MOMENTS = 3
"""Moments of a rollout at which left and right are tried."""

TRIED = 10
"""Presses of each at each moment: enough to turn a character that runs the other way."""

HALF = 0.5
"""Share of the real movement that a button has to keep."""


@dataclass(frozen=True)
class LongPlay:
    """Rollouts of many frames, and what left and right did late in them."""

    video: UInt8[Tensor, "rollouts K H W C"]
    """What was played."""
    moved: dict[str, Float[Tensor, " rollouts"]]
    """Pixels per press by which each side's button moved the player its way."""


def held_buttons(
    num_rollouts: int, length: int, num_actions: int, seed: int
) -> Int[Tensor, "num_rollouts length"]:
    """Buttons uniform over all, each held for 2 to 8 frames."""
    generator = torch.Generator().manual_seed(seed)
    size = (num_rollouts, length)
    drawn = torch.randint(num_actions, size, generator=generator)
    lasts = torch.randint(HOLD[0], HOLD[1] + 1, size, generator=generator)
    ends = lasts.cumsum(dim=1)
    turn = torch.searchsorted(ends, torch.arange(length).repeat(num_rollouts, 1), right=True)
    return drawn.gather(1, turn)


def recorded_buttons(
    codes: Int[Tensor, "clips S"], num_rollouts: int, length: int, seed: int
) -> Int[Tensor, "num_rollouts length"]:
    """The latent actions of true clips, one clip after the other: how players really play.

    Random buttons hold a jump for longer than any jump lasts, and press down on solid ground.
    """
    generator = torch.Generator().manual_seed(seed)
    enough = -(-length // codes.shape[1])
    drawn = torch.randint(len(codes), (num_rollouts, enough), generator=generator)
    return codes[drawn].flatten(1)[:, :length]


def play_long(
    world: World,
    starts: UInt8[Tensor, "rollouts P H W C"],
    buttons: Int[Tensor, "rollouts K"],
    sides: dict[str, int],
    seed: int = 0,
    batch_size: int = 16,
    camera: Camera = "follows",
    sampler: SamplerConfig | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> LongPlay:
    """Press these buttons from every start; late on, branch off to hold each side's button.

    `sides` maps "left" and "right" to their buttons; empty where the world has none.
    """
    parts = []
    for first in range(0, len(starts), batch_size):
        progress(first)
        rows = slice(first, first + batch_size)
        seeds = [seed * len(starts) + first + row for row in range(len(starts[rows]))]
        _, state = world.start(starts[rows], seeds)
        parts.append(_play(world, state, buttons[rows], sides, camera, sampler))
    return LongPlay(
        torch.cat([part.video for part in parts]),
        {side: torch.cat([part.moved[side] for part in parts]) for side in sides},
    )


def _play(
    world: World,
    state: WorldState,
    buttons: Int[Tensor, "B K"],
    sides: dict[str, int],
    camera: Camera,
    sampler: SamplerConfig | None,
) -> LongPlay:
    moments, frames = _moments(buttons.shape[1]), []
    tried: dict[str, list[Tensor]] = {side: [] for side in sides}
    for k in range(buttons.shape[1]):
        frame, state = world.step(state, buttons[:, k], sampler)
        frames.append(frame.cpu())
        if k + 1 in moments:
            for side, button in sides.items():
                held = torch.full((len(buttons), TRIED), button)
                after = torch.cat([frames[-1][:, None], press(world, state, held, sampler)], 1)
                tried[side].append(_sideways(after, side, camera))
    moved = {side: torch.stack(found).mean(dim=0) for side, found in tried.items()}
    return LongPlay(torch.stack(frames, dim=1), moved)


def _moments(length: int) -> set[int]:
    """Frames after which left and right are tried: the last trial ends with the rollout."""
    first = max(1, int(LATE * length))
    last = max(first, length - TRIED)
    return {round(moment) for moment in torch.linspace(first, last, MOMENTS).tolist()}


def _sideways(video: UInt8[Tensor, "B T H W C"], side: str, camera: Camera) -> Float[Tensor, " B"]:
    """Pixels per transition by which the player moved to that side."""
    right = player_movements(video, camera)[..., 0].mean(dim=1)
    return right if side == "right" else -right


def real_sideways(
    sides: dict[str, int],
    codes: Int[Tensor, "clips S"],
    player: Float[Tensor, "clips S 2"],
) -> dict[str, float | None]:
    """What each side's code stands for in true video, pixels per transition to that side."""
    right = player[..., 0]
    found: dict[str, float | None] = {}
    for side, button in sides.items():
        meant = right[codes == button]
        found[side] = meant.mean().item() * (1 if side == "right" else -1) if len(meant) else None
    return found


def score_long_play(
    played: LongPlay, real: RealImageStats, shift: dict[str, float | None]
) -> dict[str, Any]:
    """Rollouts that keep looking real, and rollouts in which left and right still move.

    `moves` is None where the world has no button for one side, or its code moves nothing in true
    video: there is no movement to keep.
    """
    share = torch.stack([real.in_range(video).double().mean() for video in played.video])
    moves = None
    if set(shift) == {"left", "right"} and all(s is not None and s > 0 for s in shift.values()):
        enough = [played.moved[side] >= HALF * (shift[side] or 0.0) for side in shift]
        moves = int(torch.stack(enough).all(dim=0).sum())
    return {
        "rollouts": len(played.video),
        "frames": played.video.shape[1],
        "looks_real": sum(map(real.passes, played.video)),
        "moves": moves,
        "share_of_frames": share.mean().item(),
        "worst_share_of_frames": share.min().item(),
        "real_scenes": real.scenes,
        "real_scenes_that_look_real": real.passing_scenes,
        "shift": {side: found.mean().item() for side, found in played.moved.items()},
        "shift_in_video": shift,
    }


FILMS = 3
"""Rollouts that are shown as films."""


def _measure(context: Context) -> Measured:
    """With "random" buttons, and with those "recorded" in true video; nothing without rollouts."""
    options, world, real = context.options, context.world, context.real
    starts, seed = context.starts.video[: options.long_rollouts], context.seed
    if not len(starts):
        return Measured({"long_play": {}})
    count, length = len(starts), options.long_frames
    moves = {
        "random": held_buttons(count, length, world.num_actions, seed),
        "recorded": recorded_buttons(real.codes, count, length, seed),
    }
    sideways = real_sideways(context.sides, real.codes, real.player)
    figures, paired, grids, films = {}, {}, {}, {}
    for turn, (name, buttons) in enumerate(moves.items()):

        def advance(done: int, before: int = turn * count) -> None:
            context.advance((before + done) * length)

        played = play_long(
            world,
            starts,
            buttons,
            context.sides,
            seed,
            options.batch_size,
            context.camera,
            context.sampler,
            advance,
        )
        figures[name] = score_long_play(played, context.real_stats, sideways)
        looks = [context.real_stats.in_range(video).float().mean() for video in played.video]
        paired[_paired(name)] = Samples(torch.stack(looks), A_SHARE)
        grids[f"long-{name}.png"] = long_grid(played.video)
        films[f"long-{name}"] = [
            SideBySide({f"rollout {row + 1}": video.clone()}, world.fps)
            for row, video in enumerate(played.video[:FILMS])
        ]
    return Measured({"long_play": figures}, paired, grids, films)


def _paired(name: str) -> str:
    return f"long play, {name} moves: frames that look real"


def _frames(options: EvaluateOptions, buttons: int) -> int:
    return 2 * options.long_rollouts * options.long_frames


def _rows(report: Report) -> Iterator[Row]:
    for name, played in report["long_play"].items():
        count, scenes = played["rollouts"], played["real_scenes"]
        yield Row(
            f"{counted(played['frames'], 'frame')}, {name} moves",
            f"{played['looks_real']} of {count} rollouts look real in 95% of their frames, "
            f"{played['share_of_frames']:.0%} of all frames do "
            f"({played['real_scenes_that_look_real']} of {scenes} real scenes pass)",
        )
        moves = "-" if played["moves"] is None else played["moves"]
        text = f"{moves} of {count} still move half as far as in true video"
        yield Row("  left and right late", text)


def _compared(report: Report) -> Iterator[Compared]:
    for name, played in report["long_play"].items():
        share = number(played["share_of_frames"])
        yield Compared(f"long play, {name} moves", share, _paired(name))


def _tiles(report: Report) -> Iterator[Tile]:
    played = report["long_play"].get("recorded")
    if played is None:
        return
    scenes, kept = played["real_scenes"], played["real_scenes_that_look_real"]
    yield Tile(
        f"Looks real for {counted(played['frames'], 'frame')}",
        f"{played['looks_real']}",
        f"of {played['rollouts']}",
        "" if played["moves"] is None else f"left and right still move in {played['moves']}",
        f"Rollouts with the moves of true video, with 95% of their frames as sharp and as "
        f"coloured as real ones. Of real scenes {kept} of {scenes} pass.",
    )


LONG_PLAY = Metric("long play", _measure, _frames, rows=_rows, compared=_compared, tiles=_tiles)

"""Physics that a player relies on: jumps land, held buttons do no harm, a long walk goes on."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from playworld.evaluate.button_names import arrow_buttons
from playworld.evaluate.buttons import press_sequences
from playworld.evaluate.context import Context
from playworld.evaluate.directions import goes
from playworld.evaluate.intervals import interval, share_interval
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row
from playworld.evaluate.movement import HALF_PIXEL, Camera, player_movements
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.page.numbers import band, number, share, share_band

RUN, JUMP, LANDING = 0.3, 0.3, 1.5
"""Seconds of right before a jump from a run, of jump, and of right in which the jump has to end: it
takes as long whatever a press lasts."""
USUAL_FPS = 10.0
"""Presses per second by which the progress of this is estimated."""
HELD = 40
"""Presses of one button in a row."""
WALK, WALKERS = 100, 8
"""Presses of a long walk, and starts that it is tried from."""
REST = 3
"""Transitions in a row without vertical movement that count as ground: the top of a jump lasts one
or two."""
FALL = 0.25
"""Share of a jump's height by which the character has to fall again."""
JUMPS, GOES = 0.5, 0.25
"""Shares of the starts from which a button has to jump, and one to go right, for this to be tried:
who never leaves the ground has not landed. Beside a wall nothing goes right, so fewer are asked."""


def _presses(seconds: float, fps: float) -> int:
    return max(1, round(seconds * fps))


def _sequences(right: int, jump: int | None, fps: float) -> dict[str, list[int]]:
    """Jumps from a stand and from a run, and buttons held; without a button that jumps, right."""
    held = {"right": [right] * HELD}
    if jump is None:
        return held
    leap = [jump] * _presses(JUMP, fps) + [right] * _presses(LANDING, fps)
    run = [right] * _presses(RUN, fps)
    return {"stand": leap, "run": run + leap, "jump": [jump] * HELD} | held


def _rises(video: UInt8[Tensor, "B T H W C"], camera: Camera) -> Float[Tensor, "B S"]:
    """How far the character goes up in each transition, pixels."""
    return -player_movements(video, camera)[..., 1]


def _falls(rises: Float[Tensor, "B S"]) -> tuple[Float[Tensor, "B S"], Float[Tensor, "B S"]]:
    """How far it is below the highest point so far, and how high that is above the start."""
    height = rises.cumsum(dim=1)
    top = height.cummax(dim=1).values.clamp_min(0)
    return top - height, top


def lands(rises: Float[Tensor, "B S"], jump: int) -> Bool[Tensor, " B"]:
    """Whether each jump, of the first `jump` transitions, ends on the ground before the last one.

    The character has to fall by `FALL` of what it has risen, and then to rest for `REST`
    transitions. Where it has not left the ground there is nothing to fall from.
    """
    below, top = _falls(rises)
    fallen = (below >= FALL * top) | (top < HALF_PIXEL)
    rests = (rises.abs() < HALF_PIXEL).float().unfold(1, REST, 1).amin(dim=-1) > 0
    later = slice(max(jump, REST - 1), None)
    rests = torch.nn.functional.pad(rests, (REST - 1, 0))
    return (rests & fallen)[:, later].any(dim=1)


def comes_down(rises: Float[Tensor, "B S"]) -> Bool[Tensor, " B"]:
    """Whether the character falls by half of what it has risen at some time, if it rises at all."""
    below, top = _falls(rises)
    rose = top >= HALF_PIXEL
    return ((below >= 0.5 * top) & rose).any(dim=1) | ~rose[:, -1]


def _leap(context: Context, jump: int | None) -> int:
    """The button against a wall on the right: what both arrows hold, else jump."""
    if jump is None:
        return context.best["right"]
    return arrow_buttons(context.world.buttons).get("↗", jump)


def _walk(
    context: Context, starts: UInt8[Tensor, "B P H W C"], jump: int, before: int
) -> Float[Tensor, " B"]:
    """Frames in which each walk to the right moves; whoever stands still for `REST` jumps.

    `before` frames have been played.
    """
    world, right = context.world, context.best["right"]
    leap = _presses(JUMP, world.fps)
    last, state = world.start(starts, [context.seed + row for row in range(len(starts))])
    last = last.cpu()
    stood: Int[Tensor, " B"] = torch.zeros(len(starts), dtype=torch.long)
    moving = torch.zeros(len(starts))
    for k in range(WALK):
        stuck = stood >= REST
        frame, state = world.step(state, torch.where(stuck, jump, right), context.sampler)
        frame = frame.cpu()
        moved = player_movements(torch.stack([last, frame], dim=1), context.camera)
        ahead = moved[:, 0, 0] >= HALF_PIXEL
        moving += ahead
        # After as many presses of jump as a jump takes, right is tried again.
        stood = torch.where(ahead | (stood >= REST + leap), 0, stood + 1)
        last = frame
        context.advance(before + (k + 1) * len(starts))
    return moving


def _shares(found: Mapping[str, Float[Tensor, " starts"]]) -> dict[str, Any] | None:
    if not found:
        return None
    every = torch.cat(list(found.values()))
    parts = {
        name: {"share": part.mean().item(), "interval": share_interval(part)}
        for name, part in found.items()
    }
    return {
        "share": every.mean().item(),
        "interval": share_interval(every),
        "starts": len(every) // len(found),
        **parts,
    }


PARTS = ("landing", "held", "walk")


def _measure(context: Context) -> Measured:
    """None of each without starts, and of what no button does."""
    options, camera, best = context.options, context.camera, context.best
    works = {way: goes(context.shifts[best[way]], way).float().mean() for way in best}
    if not options.physics_starts or works["right"] < GOES:
        return Measured(dict.fromkeys(PARTS))
    jump = best["jump"] if works["jump"] >= JUMPS else None
    starts = context.button_starts.video[: options.physics_starts]
    world, seed, sampler = context.world, context.seed, context.sampler
    sequences = _sequences(best["right"], jump, world.fps)
    pressed = list(sequences.values())
    played = press_sequences(world, starts, pressed, seed, sampler, context.advance)
    video = dict(zip(sequences, played, strict=True))
    landing = {
        name: lands(_rises(video[name], camera)[:, before:], _presses(JUMP, world.fps)).float()
        for name, before in (("stand", 0), ("run", _presses(RUN, world.fps)))
        if name in video
    }
    held: dict[str, Tensor] = {
        name: torch.tensor([context.real_stats.passes(frames) for frames in video[name]]).float()
        for name in ("jump", "right")
        if name in video
    }
    if jump is not None:
        held["jump"] *= comes_down(_rises(video["jump"], camera))
    before = len(starts) * sum(map(len, sequences.values()))
    moving = _walk(context, starts[:WALKERS], _leap(context, jump), before)
    walk = {
        "moving_frames": moving.mean().item(),
        "interval": interval(moving, context.seed, (0.0, WALK)),
        "least": moving.min().item(),
        "presses": WALK,
        "starts": len(moving),
    }
    return Measured({"landing": _shares(landing), "held": _shares(held), "walk": walk})


def _frames(options: EvaluateOptions, buttons: int) -> int:
    starts = min(options.physics_starts, options.button_starts)
    presses = sum(map(len, _sequences(0, 0, USUAL_FPS).values()))
    return starts * presses + min(starts, WALKERS) * WALK


def _rows(report: Report) -> Iterator[Row]:
    landing, held, walk = (report[part] for part in PARTS)
    if landing:
        stand, run = (share(landing[name]["share"]) for name in ("stand", "run"))
        yield Row(
            "jumps land",
            f"{share(landing['share'])} {share_band(landing['interval'])}, "
            f"from a stand {stand}, from a run {run}",
            "Jump is pressed for 0.3 seconds, then right: within 1.5 seconds the character has to "
            "fall and to rest on the ground.",
        )
    if held:
        each = [
            f"{name} {share(held[name]['share'])}" for name in ("jump", "right") if name in held
        ]
        parts = ", ".join(each) if len(each) > 1 else "right alone"
        yield Row(
            "held for 40 presses",
            f"{share(held['share'])} {share_band(held['interval'])}, {parts}",
            "A held jump has to come down again, and 95% of the frames have to look real.",
        )
    if walk:
        yield Row(
            "a walk to the right",
            f"{number(walk['moving_frames'], 0)} {band(walk['interval'], 0)} of {walk['presses']} "
            f"frames move, at least {number(walk['least'], 0)}",
            "Right is held, and jump to the right, or jump, pressed wherever the character has "
            "stood for three frames.",
        )


def _compared(report: Report) -> Iterator[Compared]:
    landing, held, walk = (report[part] for part in PARTS)
    if landing:
        yield Compared("jumps land", number(landing["share"]))
    if held:
        yield Compared("held for 40 presses", number(held["share"]))
    if walk:
        yield Compared("a walk to the right, frames", number(walk["moving_frames"]))


PHYSICS = Metric("physics", _measure, _frames, rows=_rows, compared=_compared)

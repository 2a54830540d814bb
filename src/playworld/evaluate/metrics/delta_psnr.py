"""Delta PSNR, the paper's controllability: how much better the right actions predict the video.

Against random actions, and against actions that are wrong in a known way: other clips' actions,
and the right ones a frame late.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from playworld.evaluate.clip_rollouts import ClipRollouts, clip_seeds
from playworld.evaluate.context import Context
from playworld.evaluate.image_quality import PSNR_BOUNDS, psnr
from playworld.evaluate.intervals import by_frame, gap_of, paired_frames
from playworld.evaluate.metric import Measured, Metric, Report, Tile
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.page.frames import Chart, Line, frame_numbers, headline
from playworld.evaluate.page.numbers import band, number
from playworld.evaluate.rollouts import Rollouts, press
from playworld.world import SamplerConfig, World

NAME = "delta PSNR"
BOUNDS = gap_of(PSNR_BOUNDS)
CONTROLS = {"shuffled": "another clip's actions", "shifted": "one frame late"}
"""Wrong actions, and what they are called."""
CHART = Chart(
    "Delta PSNR",
    (
        Line(("control", "delta_psnr"), "against random actions", NAME, 2, True, paired=NAME),
        *(
            Line(
                ("control", "arms", control),
                f"against {name}",
                f"  {name}",
                paired=f"{NAME} against {control} actions",
            )
            for control, name in CONTROLS.items()
        ),
    ),
    "dB",
)


def delta_psnr(rollouts: Rollouts, seed: int = 0) -> dict[str, dict[str, float | None]]:
    """Controllability by frame number: PSNR(x_t, x^_t) - PSNR(x_t, x'_t) (Genie, section 3).

    x^ follows the latent actions inferred from the true video, x' random ones. 0 dB for a world
    that ignores its actions.
    """
    return by_frame(_gap(rollouts, rollouts.random), seed, BOUNDS)


def control_actions(
    actions: Int[Tensor, "clips S"], horizon: int
) -> dict[str, Int[Tensor, "clips K"]]:
    """Actions for the `horizon` generated frames, by control.

    "shuffled" gives every clip the actions of its neighbour: as common and as smooth as the right
    ones, which random actions are not. "shifted" gives the right ones one frame late; a world whose
    actions are off by one would like them better than the right ones.
    """
    right = actions[:, -horizon:]
    before = actions[:, -horizon - 1 :][:, :1]  # of a prompt of one frame: the first one again
    return {
        "shuffled": right.roll(1, dims=0),
        "shifted": torch.cat([before, right[:, :-1]], dim=1),
    }


@torch.inference_mode()
def roll_out_controls(
    world: World,
    clips: ClipRollouts,
    options: EvaluateOptions,
    sampler: SamplerConfig,
    played: Callable[[int], None],
) -> dict[str, UInt8[Tensor, "some K H W C"]]:
    """The first clips once more, with actions that are wrong in a known way; the same noise."""
    num_clips = len(clips.actions)
    some = min(options.arm_clips, num_clips)
    if some < 2:  # nobody to take other actions from
        return {}
    prompts = clips.rollouts.prompt[:some]
    found: dict[str, Tensor] = {}
    for control, actions in control_actions(clips.actions[:some], options.horizon).items():
        parts = []
        for first in range(0, some, options.batch_size):
            played((len(found) * some + first) * options.horizon)
            rows = slice(first, first + options.batch_size)
            seeds = clip_seeds(first, len(prompts[rows]), num_clips, options.seed)
            _, state = world.start(prompts[rows], seeds)
            parts.append(press(world, state, actions[rows], sampler))
        found[control] = torch.cat(parts)
    return found


def score_action_controls(
    rollouts: Rollouts, controls: dict[str, UInt8[Tensor, "some K H W C"]], seed: int = 0
) -> dict[str, Any] | None:
    """Delta PSNR against each control by frame number, like that against random actions."""
    if not controls:
        return None
    clips = len(next(iter(controls.values())))
    return {"clips": clips} | {
        control: by_frame(_gap(rollouts, video), seed, BOUNDS)
        for control, video in controls.items()
    }


def _gap(rollouts: Rollouts, wrong: UInt8[Tensor, "some K H W C"]) -> Float[Tensor, "some K"]:
    """By how many dB the right actions predict better than wrong ones, per clip and frame."""
    truth, right = rollouts.truth[: len(wrong)], rollouts.inferred[: len(wrong)]
    return psnr(right, truth) - psnr(wrong, truth)


def _measure(context: Context) -> Measured:
    rollouts, seed = context.rollouts, context.seed
    controls = roll_out_controls(
        context.world, context.played, context.options, context.sampler, context.advance
    )
    figures = {
        "delta_psnr": delta_psnr(rollouts, seed),
        "arms": score_action_controls(rollouts, controls, seed),
    }
    paired = paired_frames(NAME, _gap(rollouts, rollouts.random), BOUNDS)
    for control, video in controls.items():
        paired |= paired_frames(f"{NAME} against {control} actions", _gap(rollouts, video), BOUNDS)
    return Measured({"control": figures}, paired)


def _frames(options: EvaluateOptions, buttons: int) -> int:
    return len(CONTROLS) * options.arm_clips * options.horizon


def _tile(report: Report) -> Iterator[Tile]:
    k = headline(frame_numbers(report))
    found = report["control"]["delta_psnr"][k]
    yield Tile(
        f"Delta PSNR, frame {k}",
        number(found["mean"]),
        "dB",
        band(found),
        "How much better the right actions predict the video than random ones. "
        "A world that ignores its buttons has 0 dB.",
    )


DELTA_PSNR = Metric(NAME, _measure, _frames, charts=(CHART,), tiles=_tile)

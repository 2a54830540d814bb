"""The whole measurement of a world on held-out clips."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from playworld.config import InputError, to_dict
from playworld.evaluate.buttons import PRESSES, STARTS, press_each
from playworld.evaluate.control import measure_control
from playworld.evaluate.heldout import HeldOut, read_held_out
from playworld.evaluate.metrics import interval, psnr, ssim, usage
from playworld.evaluate.movement import Camera
from playworld.evaluate.pictures import button_sheet, rollout_sheet
from playworld.evaluate.report import Report
from playworld.evaluate.rollouts import Rollouts, random_actions, roll_out, score_rollouts
from playworld.evaluate.speed import hardware, measure_speed
from playworld.models.pixels import to_float, to_uint8
from playworld.world import SamplerConfig, World

FORMAT = 1
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class EvaluateOptions:
    """How much is measured, and how the world samples."""

    num_clips: int = 64
    """Held-out clips; fewer where the data has fewer that do not overlap."""
    prompt_frames: int = 4
    """True frames that start a rollout; never scored."""
    horizon: int = 16
    """Frames generated after each prompt."""
    seed: int = 0
    """Chooses clips, random actions, sampler noise and bootstrap."""
    batch_size: int = 16
    """Clips generated together."""
    button_starts: int = STARTS
    """Starts from which every button is pressed."""
    speed_frames: int = 50
    """Frames timed one at a time."""
    camera: Camera = "follows"
    """Whether the picture moves against the player or with it."""
    steps: int | None = None
    """MaskGIT steps per frame; the world's own without it."""
    temperature: float | None = None
    """Sampling temperature; the world's own without it."""
    order: Literal["random", "halton", "confidence"] | None = None
    """Order in which tokens are decided; the world's own without it."""

    def __post_init__(self) -> None:
        sizes = ("num_clips", "prompt_frames", "horizon", "batch_size", "button_starts")
        for name in (*sizes, "speed_frames"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.seed < 0:
            raise InputError(f"seed must not be negative, got {self.seed}")

    def sampler(self, world: World) -> SamplerConfig:
        """The world's sampler with what these options say otherwise."""
        own = world.config.sampler
        return replace(
            own,
            steps=own.steps if self.steps is None else self.steps,
            temperature=own.temperature if self.temperature is None else self.temperature,
            order=own.order if self.order is None else self.order,
        )


@dataclass(frozen=True)
class _Played:
    """What the world made of the held-out clips; one row per clip."""

    rollouts: Rollouts
    psnr: Float[Tensor, "clips T"]
    """Of the tokenizer's reconstruction, as is the next."""
    ssim: Float[Tensor, "clips T"]
    tokens: Int[Tensor, "clips T N"]
    actions: Int[Tensor, "clips S"]


@torch.inference_mode()
def evaluate(
    world: World,
    clips: Path,
    options: EvaluateOptions | None = None,
    progress: Progress | None = None,
) -> Report:
    """Measure a world on held-out clips; docs/evaluate.md says what each figure means.

    The same world, clips, options and machine give the same figures, but for `speed` and `date`.

    Raises:
        InputError: where CLIPS has no held-out clip of that length, or of another size than the
            world's.
    """
    options = options or EvaluateOptions()
    length = options.prompt_frames + options.horizon
    held = read_held_out(clips, options.num_clips, length, options.seed)
    _check_size(world, held)
    sampler, total = options.sampler(world), len(held.video) + 2
    tell = progress or (lambda done, total, note: None)
    played = _play(world, held, options, sampler, lambda done: tell(done, total, "rollouts"))
    tell(len(held.video), total, "buttons")
    starts = held.video[: options.button_starts, : options.prompt_frames]
    pressed = press_each(world, starts, PRESSES, options.seed, sampler)
    tell(len(held.video) + 1, total, "speed")
    speed = measure_speed(world, starts[:1], options.speed_frames, options.seed, sampler)
    tell(total, total, "done")
    figures: dict[str, Any] = {
        "format": FORMAT,
        "world": world.config.name,
        "clips": len(held.video),
        "data": _data(world, held),
        "tokenizer": _tokenizer(played, options.seed),
        "rollout": score_rollouts(played.rollouts, options.seed),
        "control": measure_control(
            held,
            played.rollouts,
            played.actions,
            pressed,
            world.buttons,
            options.camera,
            options.seed,
        ),
        "codes": _codes(world, played),
        "speed": speed,
        "hardware": hardware(world.device),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "settings": to_dict(options) | {"sampler": to_dict(sampler), "presses": PRESSES},
    }
    figures["notes"] = _notes(world, figures, options)
    labels = [button["does"] for button in figures["control"]["buttons"]]
    sheets = {
        "rollouts.png": rollout_sheet(played.rollouts),
        "actions.png": button_sheet(pressed, labels),
    }
    return Report(figures, sheets)


def _check_size(world: World, held: HeldOut) -> None:
    height, width = held.video.shape[2:4]
    if (height, width) != (world.height, world.width):
        raise InputError(
            f"this world shows {world.width}x{world.height} pixels and the clips are "
            f"{width}x{height}: ingest the videos with --size {world.width}x{world.height}"
        )


def _play(
    world: World,
    held: HeldOut,
    options: EvaluateOptions,
    sampler: SamplerConfig,
    tell: Callable[[int], None],
) -> _Played:
    """Reconstruct, label and continue every clip, a batch at a time."""
    num_clips = len(held.video)
    at_random = random_actions(num_clips, options.horizon, world.num_actions, options.seed)
    parts = []
    for first in range(0, num_clips, options.batch_size):
        tell(first)
        rows = slice(first, first + options.batch_size)
        video = held.video[rows]
        tokens = world.tokenizer.encode(to_float(video.to(world.device)))
        again = to_uint8(world.tokenizer.decode(tokens)).cpu()
        actions = world.infer_actions(video).cpu()
        # A clip keeps its seed whatever the size of the batches.
        seeds = [options.seed * num_clips + row for row in range(first, first + len(video))]
        rollouts = roll_out(world, video, actions, at_random[rows], seeds, sampler)
        scores = psnr(again, video), ssim(again, video)
        parts.append(_Played(rollouts, *scores, tokens.cpu(), actions))
    return _Played(
        Rollouts.cat([part.rollouts for part in parts]),
        torch.cat([part.psnr for part in parts]),
        torch.cat([part.ssim for part in parts]),
        torch.cat([part.tokens for part in parts]),
        torch.cat([part.actions for part in parts]),
    )


def _data(world: World, held: HeldOut) -> dict[str, Any]:
    return {
        "split": "valid",
        "videos": len(set(held.sources)),
        "height": world.height,
        "width": world.width,
        "fps": held.fps,
    }


def _tokenizer(played: _Played, seed: int) -> dict[str, Any]:
    """Reconstruction of all frames of the clips, prompts too: nothing is generated here."""
    bands = {name: interval(getattr(played, name).mean(dim=1), seed) for name in ("psnr", "ssim")}
    figures = {name: band["mean"] for name, band in bands.items()}
    return figures | {f"{name}_interval": band for name, band in bands.items()}


def _codes(world: World, played: _Played) -> dict[str, Any]:
    tokens = usage(played.tokens, world.config.tokenizer.num_codes)
    actions = usage(played.actions, world.num_actions)
    return tokens | {f"actions_{name}": value for name, value in actions.items()}


def _notes(world: World, figures: dict[str, Any], options: EvaluateOptions) -> list[str]:
    """What a reader should know before trusting the figures."""
    control, notes = figures["control"], []
    if figures["data"]["fps"] != world.fps:
        notes.append(
            f"clips of {figures['data']['fps']:g} fps, but the world runs at {world.fps:g}"
        )
    if figures["clips"] < options.num_clips:
        notes.append(f"only {figures['clips']} held-out clips that do not overlap were found")
    if figures["data"]["videos"] < 5:
        notes.append("few held-out videos: intervals say nothing about other videos")
    if control["keys"] is None:
        notes.append("no action files beside the videos: pressed keys were not compared")
    if control["agreement"] is None:
        notes.append("the picture hardly moves as a whole: codes cannot be held against movement")
    if not control["answers"]:
        notes.append("this world does not answer its buttons")
    return notes

"""The whole measurement of a world on held-out clips, and of several side by side."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from playworld.config import InputError, to_dict
from playworld.evaluate.artifacts import collect_artifacts
from playworld.evaluate.buttons import PRESSES
from playworld.evaluate.clip_rollouts import ClipRollouts
from playworld.evaluate.control.action_controls import score_action_controls
from playworld.evaluate.control.controllability import TransitionLabels, measure_control
from playworld.evaluate.control.mirror import measure_mirror
from playworld.evaluate.control.physics import measure_physics
from playworld.evaluate.control.reversibility import (
    score_reversibility,
)
from playworld.evaluate.cost import measure_cost
from playworld.evaluate.differences import compare_reports
from playworld.evaluate.fidelity.embeddings import I3D, Embedding, RandomFeatures
from playworld.evaluate.fidelity.measure import (
    Embedded,
    embed_all,
    score_distance,
    score_lpips,
)
from playworld.evaluate.fidelity.perceptual import LPIPS
from playworld.evaluate.generate import Generated, generate
from playworld.evaluate.heldout import HeldOut, read_held_out
from playworld.evaluate.image_stats import RealImageStats, real_image_stats
from playworld.evaluate.longplay import (
    real_sideways,
    score_long_play,
)
from playworld.evaluate.look import measure_look
from playworld.evaluate.metrics import PSNR_BOUNDS, SSIM_BOUNDS, interval, usage
from playworld.evaluate.movement import Camera, camera_of
from playworld.evaluate.notes import notes
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.prompts import measure_prompts
from playworld.evaluate.report import Report
from playworld.evaluate.rollouts import score_rollouts
from playworld.evaluate.speed import hardware, measure_speed
from playworld.progress import Progress, silent
from playworld.world import SamplerConfig, World

FORMAT = 1


@dataclass(frozen=True)
class Networks:
    """What fidelity is measured with, loaded first: a bad file fails before anything is played."""

    embeddings: tuple[Embedding, ...]
    lpips: LPIPS | None

    @staticmethod
    def load(options: EvaluateOptions, device: torch.device) -> "Networks":
        """The networks that these options name, and the one that needs no file."""
        named = () if options.i3d is None else (I3D(options.i3d, device),)
        lpips = None if options.lpips is None else LPIPS(options.lpips, device)
        return Networks((*named, RandomFeatures(device)), lpips)


def compare(
    worlds: Mapping[str, World],
    clips: Path,
    options: EvaluateOptions | None = None,
    progress: Progress = silent,
) -> Report:
    """Measure several worlds on the same clips with the same seeds, side by side.

    The report lists what `evaluate` says of each under `worlds`, and under `compared` the paired
    differences from the first. Of one world this is `evaluate`.

    Raises:
        InputError: as `evaluate` does, for any of them.
    """
    options = options or EvaluateOptions()
    held = read_held_out(clips, options.num_clips, options.length, options.seed)
    for name, world in worlds.items():
        _check_size(name, world, held)
    reports: dict[str, Report] = {}
    for turn, (name, world) in enumerate(worlds.items()):
        share = _in_turn(progress, turn, len(worlds), name)
        reports[name] = evaluate(world, clips, options, share)
    if len(reports) == 1:
        return next(iter(reports.values()))
    return compare_reports(reports, options.seed)


@torch.inference_mode()
def evaluate(
    world: World,
    clips: Path,
    options: EvaluateOptions | None = None,
    progress: Progress = silent,
) -> Report:
    """Measure a world on held-out clips; docs/evaluate.md says what each figure means.

    The same world, clips, options and machine give the same figures, but for `speed`, `cost` and
    `date`.

    Raises:
        InputError: where CLIPS has no held-out clip of that length, or of another size than the
            world's, or a file of weights is not what it should be.
    """
    options = options or EvaluateOptions()
    # The clips that follow in the same order are the real ones that nothing is played along.
    enough = read_held_out(clips, 2 * options.num_clips, options.length, options.seed)
    held, others = enough.part(options.num_clips)
    _check_size(world.config.name, world, held)
    networks = Networks.load(options, world.device)
    sampler = world.sampler(options.steps, options.temperature, options.order)
    camera = camera_of(held.video) if options.camera == "auto" else options.camera
    total = len(held.video) + options.button_starts + 2 * options.long_rollouts + 1

    def advance(done: int, note: str) -> None:
        progress(done, total, note)

    generated = generate(world, clips, held, options, camera, sampler, advance)
    advance(total - 1, "speed")
    start = generated.starts.video[:1]
    speed = measure_speed(world, start, options.speed_frames, options.seed, sampler)
    real_stats, transitions = real_image_stats(clips), TransitionLabels.of(held, camera)
    scores = _score_pictures(generated.clips, others, networks, options.seed)
    control = _control(world, held, transitions, generated, camera, options.seed)
    figures: dict[str, Any] = {
        "format": FORMAT,
        "world": world.config.name,
        "clips": len(held.video),
        "data": _data(world, held),
        "tokenizer": _tokenizer(generated.clips, options.seed),
        "rollout": scores.rollout,
        "fidelity": scores.distances,
        "control": control,
        "keys": _keys(control),
        "mirror": measure_mirror(world, held, generated.clips.actions, options.seed),
        **_physics(world, generated, real_stats, options, camera, sampler),
        "long_play": _long_play(generated, real_stats, camera),
        "prompts": measure_prompts(world, generated.sides, PRESSES, options.seed, camera, sampler),
        "codes": _codes(world, generated.clips),
        "window": world.config.dynamics.transformer.window,
        "speed": speed,
        "cost": measure_cost(world, speed, sampler),
        "hardware": hardware(world.device),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "settings": to_dict(options)
        | {"camera": camera, "sampler": to_dict(sampler), "presses": PRESSES},
    }
    figures["notes"] = notes(world, figures, options)
    advance(total, "done")
    artifacts = collect_artifacts(
        world, figures, generated, transitions, real_stats, scores.embedded, scores.lpips
    )
    return Report(figures, artifacts)


def _in_turn(progress: Progress, turn: int, turns: int, name: str) -> Progress:
    """One bar for all worlds."""
    return lambda done, total, note: progress(turn * total + done, turns * total, f"{name}: {note}")


def _check_size(name: str, world: World, held: HeldOut) -> None:
    height, width = held.video.shape[2:4]
    if (height, width) != (world.height, world.width):
        raise InputError(
            f"{name} shows {world.width}x{world.height} pixels and the clips are "
            f"{width}x{height}: ingest the videos with --size {world.width}x{world.height}"
        )


def _control(
    world: World,
    held: HeldOut,
    transitions: TransitionLabels,
    generated: Generated,
    camera: Camera,
    seed: int,
) -> dict[str, Any]:
    figures = measure_control(
        held,
        transitions,
        generated.clips.rollouts,
        generated.clips.actions,
        generated.pressed,
        generated.real,
        world.buttons,
        camera,
        seed,
    )
    does = [button["does"] for button in figures["buttons"]]
    return figures | {
        "starts": len(generated.starts.video),
        "level_starts": generated.starts.level,
        "arms": score_action_controls(generated.clips.rollouts, generated.controls, seed),
        "returns": score_reversibility(generated.trips, does, camera, seed),
    }


def _keys(control: Mapping[str, Any]) -> dict[str, Any] | None:
    """Codes against keys by their effect, balanced: a jump that hits the ceiling is none."""
    found = control["effective"] or control["keys"]
    if found is None:
        return None
    return {"agreement": found["balanced"], "interval": found["balanced_interval"]}


def _physics(
    world: World,
    generated: Generated,
    real_stats: RealImageStats,
    options: EvaluateOptions,
    camera: Camera,
    sampler: SamplerConfig,
) -> dict[str, Any]:
    """`landing`, `held`, `walk` and `look`; None where options leave them out."""
    found: dict[str, Any] = dict.fromkeys(("landing", "held", "walk", "look"))
    if options.physics_starts:
        buttons = generated.sides | {"jump": generated.jump}
        starts = generated.starts.video[: options.physics_starts]
        found |= measure_physics(world, starts, buttons, real_stats, camera, options.seed, sampler)
    if options.look_starts:
        prompts = generated.starts.video[: options.look_starts, -1]
        found["look"] = measure_look(world, prompts, options.seed, sampler)
    return found


def _long_play(generated: Generated, real_stats: RealImageStats, camera: Camera) -> dict[str, Any]:
    sideways = real_sideways(generated.sides, generated.real.codes, generated.real.moved, camera)
    return {
        name: score_long_play(part, real_stats, sideways) for name, part in generated.long.items()
    }


@dataclass(frozen=True)
class _PictureScores:
    """Scores of generated frames and whole clips, and the values clip by clip behind them."""

    rollout: dict[str, Any]
    """The figures by frame."""
    distances: list[dict[str, Any]]
    """The figures of whole clips."""
    embedded: dict[str, Embedded]
    lpips: Float[Tensor, "clips K"] | None


def _score_pictures(
    clips: ClipRollouts, others: HeldOut, networks: Networks, seed: int
) -> _PictureScores:
    rollouts, lpips = clips.rollouts, None
    frames = score_rollouts(rollouts, seed)
    if networks.lpips is not None:
        own, lpips = score_lpips(rollouts, networks.lpips, seed)
        frames |= own
    later = others.video[:, -rollouts.truth.shape[1] :]
    found = {e.name: embed_all(rollouts, later, e, seed) for e in networks.embeddings}
    distances = [score_distance(found[e.name], e, seed) for e in networks.embeddings]
    return _PictureScores(frames, distances, found, lpips)


def _data(world: World, held: HeldOut) -> dict[str, Any]:
    return {
        "split": "valid",
        "videos": len(set(held.sources)),
        "height": world.height,
        "width": world.width,
        "fps": held.fps,
    }


def _tokenizer(clips: ClipRollouts, seed: int) -> dict[str, Any]:
    """Reconstruction of all frames of the clips, prompts too: nothing is generated here."""
    bounds = {"psnr": PSNR_BOUNDS, "ssim": SSIM_BOUNDS}
    bands = {
        name: interval(getattr(clips, name).mean(dim=1), seed, within)
        for name, within in bounds.items()
    }
    figures = {name: band["mean"] for name, band in bands.items()}
    return figures | {f"{name}_interval": band for name, band in bands.items()}


def _codes(world: World, clips: ClipRollouts) -> dict[str, Any]:
    tokens = usage(*world.tokenizer.chosen_codes(clips.tokens))
    actions = usage(clips.actions, world.num_actions)
    return tokens | {f"actions_{name}": value for name, value in actions.items()}

"""The whole measurement of a world on held-out clips, and of several side by side."""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from playworld.config import InputError, to_dict
from playworld.evaluate.buttons import PRESSES, name_effects, player_shifts, press_each
from playworld.evaluate.compare import compare_reports
from playworld.evaluate.control.arms import score_arms
from playworld.evaluate.control.directions import real_presses
from playworld.evaluate.control.measure import measure_control
from playworld.evaluate.control.returns import (
    Trip,
    leave_and_return,
    opposite_pairs,
    score_returns,
)
from playworld.evaluate.cost import measure_cost
from playworld.evaluate.evidence import gather
from playworld.evaluate.fidelity.embeddings import I3D, Embedding, RandomFeatures
from playworld.evaluate.fidelity.measure import (
    Embedded,
    embed_all,
    score_distance,
    score_lpips,
)
from playworld.evaluate.fidelity.perceptual import LPIPS
from playworld.evaluate.heldout import HeldOut, read_held_out
from playworld.evaluate.longplay import (
    LongPlay,
    held_buttons,
    play_long,
    real_sideways,
    recorded_buttons,
    score_long_play,
)
from playworld.evaluate.looks import real_looks
from playworld.evaluate.metrics import interval, usage
from playworld.evaluate.movement import Camera, camera_of, displacements
from playworld.evaluate.notes import notes
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.played import Played, play_arms, play_clips
from playworld.evaluate.prompts import measure_prompts
from playworld.evaluate.report import Report
from playworld.evaluate.rollouts import score_rollouts
from playworld.evaluate.speed import hardware, measure_speed
from playworld.evaluate.starts import level_starts
from playworld.world import SamplerConfig, World

FORMAT = 1
Progress = Callable[[int, int, str], None]


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
    progress: Progress | None = None,
) -> Report:
    """Measure several worlds on the same clips with the same seeds, side by side.

    The report lists what `evaluate` says of each under `worlds`, and under `compared` the paired
    differences from the first, clip by clip. Of one world this is `evaluate`.

    Raises:
        InputError: as `evaluate` does, for any of them.
    """
    options = options or EvaluateOptions()
    held = read_held_out(clips, options.num_clips, options.length, options.seed)
    for name, world in worlds.items():
        _check_size(name, world, held)
    reports: dict[str, Report] = {}
    for turn, (name, world) in enumerate(worlds.items()):
        tell = progress and _in_turn(progress, turn, len(worlds), name)
        reports[name] = evaluate(world, clips, options, tell)
    if len(reports) == 1:
        return next(iter(reports.values()))
    return compare_reports(reports, options.seed)


@torch.inference_mode()
def evaluate(
    world: World,
    clips: Path,
    options: EvaluateOptions | None = None,
    progress: Progress | None = None,
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
    seed, num_clips = options.seed, len(held.video)
    camera = camera_of(held.video) if options.camera == "auto" else options.camera
    begun = num_clips + options.button_starts
    total = begun + 2 * options.long_rollouts + 1
    tell = (lambda done, note: progress(done, total, note)) if progress else _silent
    played = play_clips(world, held, options, sampler, lambda done: tell(done, "rollouts"))
    arms = play_arms(world, played, options, sampler)
    tell(num_clips, "buttons")
    wanted = max(options.button_starts, options.long_rollouts)
    starts = level_starts(clips, wanted, options.prompt_frames, seed)
    tried = starts.video[: options.button_starts]
    pressed = press_each(world, tried, PRESSES, seed, sampler)
    trips = _trips(world, tried, pressed, camera, options, sampler)
    real = real_presses(world, clips, options.length, seed, options.batch_size, camera)
    control = measure_control(
        held,
        displacements(held.video, camera),
        played.rollouts,
        played.actions,
        pressed,
        real,
        world.buttons,
        camera,
        seed,
    )
    control |= {
        "starts": len(tried),
        "level_starts": min(starts.level, len(tried)),
        "arms": score_arms(played.rollouts, arms, seed),
        "returns": score_returns(trips, [b["does"] for b in control["buttons"]], camera, seed),
    }
    sides = {side: control["directions"][side]["button"] for side in ("left", "right")}
    long = _play_long(
        world,
        starts.video,
        real.codes,
        sides,
        camera,
        options,
        sampler,
        lambda done: tell(begun + done, "long play"),
    )
    looks = real_looks(clips)
    sideways = real_sideways(sides, real.codes, real.moved, camera)
    tell(total - 1, "speed")
    speed = measure_speed(world, tried[:1], options.speed_frames, seed, sampler)
    looked = _looked_at(played, others, networks, seed)
    figures: dict[str, Any] = {
        "format": FORMAT,
        "world": world.config.name,
        "clips": num_clips,
        "data": _data(world, held),
        "tokenizer": _tokenizer(played, seed),
        "rollout": looked.rollout,
        "fidelity": looked.distances,
        "control": control,
        "long_play": {n: score_long_play(part, looks, sideways) for n, part in long.items()},
        "prompts": measure_prompts(world, sides, PRESSES, seed, camera, sampler),
        "codes": _codes(world, played),
        "window": world.config.dynamics.transformer.window,
        "speed": speed,
        "cost": measure_cost(world, speed, sampler),
        "hardware": hardware(world.device),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "settings": to_dict(options)
        | {"camera": camera, "sampler": to_dict(sampler), "presses": PRESSES},
    }
    figures["notes"] = notes(world, figures, options)
    tell(total, "done")
    made = gather(
        world, figures, played, pressed, trips, long, looks, looked.embedded, looked.lpips
    )
    return Report(figures, made)


def _silent(done: int, note: str) -> None:
    """Progress that nobody asked for."""


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


def _trips(
    world: World,
    tried: UInt8[Tensor, "starts P H W C"],
    pressed: UInt8[Tensor, "buttons starts K H W C"],
    camera: Camera,
    options: EvaluateOptions,
    sampler: SamplerConfig,
) -> list[Trip]:
    pairs = opposite_pairs(name_effects(player_shifts(pressed, camera), camera))
    starts = tried[: options.return_starts]
    return leave_and_return(world, starts, pairs, options.away, options.seed, sampler)


def _play_long(
    world: World,
    starts: UInt8[Tensor, "starts P H W C"],
    codes: Int[Tensor, "clips S"],
    sides: dict[str, int],
    camera: Camera,
    options: EvaluateOptions,
    sampler: SamplerConfig,
    tell: Callable[[int], None],
) -> dict[str, LongPlay]:
    """By whose moves are played: "random" buttons, and those "recorded" in true video."""
    starts, length, seed = starts[: options.long_rollouts], options.long_frames, options.seed
    if not len(starts):
        return {}
    moves = {
        "random": held_buttons(len(starts), length, world.num_actions, seed),
        "recorded": recorded_buttons(codes, len(starts), length, seed),
    }

    def play(turn: int, buttons: Tensor) -> LongPlay:
        return play_long(
            world,
            starts,
            buttons,
            sides,
            seed,
            options.batch_size,
            camera,
            sampler,
            lambda done: tell(turn * len(starts) + done),
        )

    return {name: play(turn, moves[name]) for turn, name in enumerate(moves)}


@dataclass(frozen=True)
class _Looked:
    """What generated pictures are like, and the numbers clip by clip behind that."""

    rollout: dict[str, Any]
    """The figures by frame."""
    distances: list[dict[str, Any]]
    """The figures of whole clips."""
    embedded: dict[str, Embedded]
    lpips: Float[Tensor, "clips K"] | None


def _looked_at(played: Played, others: HeldOut, networks: Networks, seed: int) -> _Looked:
    rollouts, lpips = played.rollouts, None
    frames = score_rollouts(rollouts, seed)
    if networks.lpips is not None:
        own, lpips = score_lpips(rollouts, networks.lpips, seed)
        frames |= own
    later = others.video[:, -rollouts.truth.shape[1] :]
    found = {e.name: embed_all(rollouts, later, e, seed) for e in networks.embeddings}
    distances = [score_distance(found[e.name], e, seed) for e in networks.embeddings]
    return _Looked(frames, distances, found, lpips)


def _data(world: World, held: HeldOut) -> dict[str, Any]:
    return {
        "split": "valid",
        "videos": len(set(held.sources)),
        "height": world.height,
        "width": world.width,
        "fps": held.fps,
    }


def _tokenizer(played: Played, seed: int) -> dict[str, Any]:
    """Reconstruction of all frames of the clips, prompts too: nothing is generated here."""
    bands = {name: interval(getattr(played, name).mean(dim=1), seed) for name in ("psnr", "ssim")}
    figures = {name: band["mean"] for name, band in bands.items()}
    return figures | {f"{name}_interval": band for name, band in bands.items()}


def _codes(world: World, played: Played) -> dict[str, Any]:
    tokens = usage(played.tokens, world.config.tokenizer.num_codes)
    actions = usage(played.actions, world.num_actions)
    return tokens | {f"actions_{name}": value for name, value in actions.items()}

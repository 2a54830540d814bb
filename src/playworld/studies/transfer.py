"""An agent that was trained only within a world, tried there and then in the real game."""

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from playworld.agents.arena import Arena, ArenaOptions
from playworld.agents.demonstrations import read_demonstrations
from playworld.agents.dictionary import Dictionary
from playworld.agents.matching import hold_of, refuse_games
from playworld.agents.moves import MOVES, NAMES
from playworld.agents.ppo import (
    Chooser,
    PPOOptions,
    Trained,
    is_kept,
    load_agent,
    play_inside,
    save_agent,
    train_agent,
)
from playworld.agents.trial import Outcome, Player, play_games, random_player, steady_player
from playworld.config import InputError, to_dict
from playworld.data.clips.shards import sha256_of
from playworld.evaluate.heldout import read_held_out
from playworld.evaluate.intervals import NOT_NEGATIVE, interval, share_interval
from playworld.evaluate.movement import displacements
from playworld.evaluate.page.files import write_picture, write_result
from playworld.manifest import results_folder
from playworld.progress import Progress, ProgressFor
from playworld.studies.options import TransferOptions
from playworld.studies.plot_axes import COLOURS, Panel
from playworld.words import counted
from playworld.world import World

log = logging.getLogger(__name__)

LABEL_MINUTES = 10.0
"""Of the clips, from which labelled transitions are drawn."""
AGENT_FILE = "agent.zip"
AGENT, RANDOM = "agent", "random buttons"


def transfer(
    world: World,
    clips: Path,
    out: Path,
    options: PPOOptions,
    trial: TransferOptions,
    progress_for: ProgressFor,
) -> dict[str, Any]:
    """Train an agent, play it in the world and in the game, and write agent, report and curve.

    Both times it stands beside random buttons and each button held all the time. An agent that the
    same world, clips and options made is not trained again; another one is replaced.

    Raises:
        InputError: before the training, without Stable-Baselines3 or Procgen, where world, clips
            and game do not go together (`playworld.agents.matching`), for clips without true
            actions beside their videos or with too few held-out starts, or where `out` is no folder
            for results.
    """
    import playworld.agents.stable_baselines  # noqa: F401  says at once if it is missing

    results_folder(out)
    games = trial.arena(hold_of(world, clips))
    refuse_games(clips, [games])
    dictionary = button_moves(world, clips, trial.labels, options.seed)
    prompts = read_held_out(
        clips, options.prompts, options.prompt_frames, options.seed, "train"
    ).video
    starts = read_held_out(clips, trial.starts, options.prompt_frames, options.seed).video
    if len(starts) < 2:
        raise InputError(f"{clips} has one held-out start of these frames: an interval needs 2")
    with closing(Arena(games)) as arena:
        arena.reset()  # says it now if the simulator does not run here
    agent, inputs = out / AGENT_FILE, made_from(world, clips, options)
    if is_kept(agent, inputs):
        log.info("%s is there already, made from the same by the same options", agent)
        trained = load_agent(agent, world, prompts, options)
    else:
        trained = train_agent(world, prompts, options, progress_for("ppo"))
        save_agent(trained, agent, inputs)
    report = {
        "options": to_dict(options) | to_dict(trial),
        "curve": trained.curve,
        "dictionary": {
            button.label: shares
            for button, shares in zip(world.buttons, dictionary.shares(), strict=True)
        },
    }
    report["inside"] = inside(world, trained, starts, options, progress_for("within the world"))
    report["game"] = in_game(world, trained, dictionary, options, games, progress_for("real game"))
    write_result(out / "transfer.json", json.dumps(report, indent=2) + "\n")
    write_picture(draw_curve(report), out / "curve.png")
    return report


def made_from(world: World, clips: Path, options: PPOOptions) -> dict[str, Any]:
    """What an agent comes from."""
    index = sha256_of(clips / "train" / "index.json")
    return {"world": world.sha256, "train clips": index, "options": to_dict(options)}


def button_moves(world: World, clips: Path, labels: int, seed: int) -> Dictionary:
    """What each button is in the real game, from so many transitions whose moves are known."""
    shown = read_demonstrations(clips, "train", LABEL_MINUTES)
    codes, moves = shown.latent_actions(world), shown.true_moves()
    return Dictionary.drawn(codes, moves, labels, world.num_actions, seed)


def inside(
    world: World,
    trained: Trained,
    starts: UInt8[Tensor, "N P H W 3"],
    options: PPOOptions,
    progress: Progress,
) -> dict[str, Any]:
    """Pixels to the right in an episode within the world, for each player."""
    torch.manual_seed(options.seed)  # an agent draws from the generator of all, see `Trained`
    players = dict(_players(world, trained, options.seed))
    found = {}
    for done, (name, choose) in enumerate(players.items(), start=1):
        film = play_inside(world, starts, choose, options, options.seed)
        found[name] = {"travel": interval(-displacements(film)[..., 0].sum(dim=1))}
        progress(done, len(players), f"{name}: {found[name]['travel']['mean']:.0f} pixels")
    return found


def in_game(
    world: World,
    trained: Trained,
    dictionary: Dictionary,
    options: PPOOptions,
    games: ArenaOptions,
    progress: Progress,
) -> dict[str, Any]:
    """The same players in the real game, through the dictionary; and true moves without one."""
    torch.manual_seed(options.seed)
    players = {
        name: (translated(choose, dictionary, options.seed), options.frames)
        for name, choose in _players(world, trained, options.seed)
    }
    players["random true moves"] = (random_player(options.seed), 1)
    for name in ("right", "right-up"):
        players[f"always {name} (true move)"] = (steady_player(MOVES[NAMES.index(name)]), 1)
    found = {}
    with closing(Arena(games)) as arena:
        for done, (name, (player, frames)) in enumerate(players.items(), start=1):
            found[name] = _figures(play_games(arena, player, frames, travel=True))
            progress(done, len(players), f"{name}: {found[name]['travel']['mean']:.0f} pixels")
    return found


def format_transfer(report: dict[str, Any]) -> str:
    """The figures as two tables in Markdown."""
    options = report["options"]
    lines = [
        f"| within the world, {counted(options['presses'], 'press', 'presses')} | pixels to the "
        "right |",
        "|---|---|",
    ]
    rows = report["inside"].items()
    lines += [f"| {name} | {_mean(row['travel'])} |" for name, row in rows]
    title = f"real game, {options['games']} {options['difficulty']} levels"
    lines += [
        "",
        f"| {title}, {counted(options['max_steps'], 'press', 'presses')} at most | pixels to "
        "the right | coin |",
    ]
    lines += ["|---|---|---|"]
    for name, row in report["game"].items():
        share = _mean({k: 100 * v for k, v in row["solved"].items()})
        lines.append(f"| {name} | {_mean(row['travel'])} | {share} % |")
    return "\n".join(lines)


def draw_curve(report: dict[str, Any]) -> Image.Image:
    """Reward of an episode against presses, beside what random buttons and the best one get."""
    curve, rows = report["curve"], report["inside"]
    points = [(float(entry["presses"]), entry["reward"]) for entry in curve]
    held = max((name for name in rows if name.startswith("always")), key=lambda n: _of(rows[n]))
    lines = {AGENT: points}
    ends = (points[0][0], max(points[-1][0], 2 * points[0][0]))
    for name in (RANDOM, held):
        lines[name] = [(x, _of(rows[name])) for x in ends]
    heights = [y for line in lines.values() for _, y in line]
    panel = Panel(
        "Pixels to the right per episode",
        "presses within the world",
        ends,
        (min(0.0, *heights), max(1.0, *heights) * 1.1),
    )
    for line, colour in zip(lines.values(), COLOURS, strict=False):
        panel.line(line, colour)
    panel.key(list(lines), COLOURS[: len(lines)])
    return panel.image


def _players(world: World, trained: Trained, seed: int) -> Iterator[tuple[str, Chooser]]:
    """The agent, random buttons, and each button held."""
    yield AGENT, trained.choose
    rng = np.random.default_rng(seed)
    yield RANDOM, lambda observed: rng.integers(world.num_actions, size=len(observed))
    for code, button in enumerate(world.buttons):
        yield f"always {button.label}", _holding(code)


def _holding(code: int) -> Chooser:
    return lambda observed: np.full(len(observed), code)


def translated(choose: Chooser, dictionary: Dictionary, seed: int) -> Player:
    """A player of the real game who chooses buttons; each becomes a move of the dictionary."""
    rng = np.random.default_rng(seed)

    def play(observed: UInt8[np.ndarray, "N F H W 3"]) -> list[int]:
        return [MOVES[move] for move in dictionary.translate(choose(observed).tolist(), rng)]

    return play


def _figures(outcome: Outcome) -> dict[str, Any]:
    assert outcome.travel is not None
    return {
        "travel": interval(_floats(outcome.travel)),
        "presses": interval(_floats(outcome.presses), bounds=NOT_NEGATIVE),
        "solved": share_interval(_floats(outcome.solved)),
    }


def _floats(values: np.ndarray) -> Float[Tensor, " N"]:
    return torch.from_numpy(values.astype(np.float32))


def _of(row: dict[str, Any]) -> float:
    return row["travel"]["mean"]


def _mean(band: dict[str, float]) -> str:
    return f"{band['mean']:.0f} [{band['low']:.0f}, {band['high']:.0f}]"

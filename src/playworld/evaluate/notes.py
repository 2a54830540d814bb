"""What a reader should know before trusting the figures of a report."""

from typing import Any

from playworld.evaluate.agreement import MIN_COUNT
from playworld.evaluate.options import EvaluateOptions
from playworld.words import counted
from playworld.world import World

FEW_CLIPS = 256
"""Clips below which a Frechet distance is mostly bias."""


def notes(world: World, figures: dict[str, Any], options: EvaluateOptions) -> list[str]:
    """One sentence for each."""
    return [*_about_data(world, figures, options), *_about_control(figures, options)]


def _about_data(world: World, figures: dict[str, Any], options: EvaluateOptions) -> list[str]:
    data, found = figures["data"], []
    if data["fps"] != world.fps:
        found.append(f"clips of {data['fps']:g} fps, but the world runs at {world.fps:g}")
    if figures["clips"] < options.num_clips:
        found.append(f"only {figures['clips']} held-out clips that do not overlap were found")
    if data["videos"] < 5:
        found.append("few held-out videos: intervals say little about other videos")
    spare = figures["fidelity"][0]["other_clips"]
    if spare < figures["clips"]:
        found.append(f"only {spare} more held-out clips to hold distances against")
    if min(spare, figures["clips"]) < FEW_CLIPS:
        found.append(
            f"distances from fewer than {FEW_CLIPS} clips are mostly bias: look at their floor"
        )
    return found


def _about_control(figures: dict[str, Any], options: EvaluateOptions) -> list[str]:
    control, found = figures["control"], []
    if control["keys"] is None and control["steering"] is None:
        found.append(
            "what was really done was not compared: the videos have no action files beside them"
        )
    if control["level_starts"] < control["starts"]:
        found.append(
            f"only {control['level_starts']} of {counted(control['starts'], 'start')} are on "
            "level ground: "
            "in the air buttons show little of what they do"
        )
    if control["agreement"] is None:
        found.append(
            "codes were not held against movement: too few clips, or the picture hardly ever moves "
            f"as a whole (at least two of its movements must be seen {MIN_COUNT} times)"
        )
    if options.return_starts > 0 and not control["returns"]:
        found.append("no two buttons go opposite ways: leaving and coming back was not tried")
    if options.physics_starts > 0 and figures["landing"] is None:
        walks = figures["walk"] is not None
        missing = "jumps from half" if walks else "goes right from a quarter"
        found.append(f"no button {missing} of the starts: landing was not tried")
    if control["answers"] is False:
        found.append("these clips do not show that this world answers its buttons")
    return found

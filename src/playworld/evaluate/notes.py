"""What a reader should know before trusting the figures of a report."""

from typing import Any

from playworld.evaluate.options import EvaluateOptions
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
        found.append("few held-out videos: intervals say nothing about other videos")
    spare = figures["fidelity"][0]["other_clips"]
    if spare < figures["clips"]:
        found.append(f"only {spare} more held-out clips to hold distances against")
    if options.i3d is not None and min(spare, figures["clips"]) < FEW_CLIPS:
        found.append(f"FVD from fewer than {FEW_CLIPS} clips is mostly bias: look at its floor")
    return found


def _about_control(figures: dict[str, Any], options: EvaluateOptions) -> list[str]:
    control, found = figures["control"], []
    if control["keys"] is None and control["steering"] is None:
        found.append(
            "what was really done was not compared: the videos have no action files beside them"
        )
    if control["level_starts"] < control["starts"]:
        found.append(
            f"only {control['level_starts']} of {control['starts']} starts are on level ground: "
            "in the air buttons show little of what they do"
        )
    if control["agreement"] is None:
        found.append("the picture hardly moves as a whole: codes cannot be held against movement")
    if options.return_starts > 0 and not control["returns"]:
        found.append("no two buttons go opposite ways: leaving and coming back was not tried")
    if not control["answers"]:
        found.append("this world does not answer its buttons")
    return found

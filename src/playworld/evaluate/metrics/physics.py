"""Physics that a player relies on: jumps land, held buttons do no harm, a long walk goes on."""

from collections.abc import Iterator

from playworld.evaluate.context import Context
from playworld.evaluate.control.physics import frames_played, measure_physics
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row
from playworld.evaluate.options import EvaluateOptions
from playworld.evaluate.page.numbers import band, number, share, share_band

PARTS = ("landing", "held", "walk")


def _measure(context: Context) -> Measured:
    """None of each without starts."""
    count = context.options.physics_starts
    if not count:
        return Measured(dict.fromkeys(PARTS))
    return Measured(
        measure_physics(
            context.world,
            context.button_starts.video[:count],
            {"right": context.best["right"], "jump": context.best["jump"]},
            context.real_stats,
            context.camera,
            context.seed,
            context.sampler,
            context.advance,
        )
    )


def _frames(options: EvaluateOptions, buttons: int) -> int:
    return frames_played(min(options.physics_starts, options.button_starts))


def _rows(report: Report) -> Iterator[Row]:
    landing, held, walk = (report[part] for part in PARTS)
    if not landing:
        return
    stand, run = (share(landing[name]["share"]) for name in ("stand", "run"))
    yield Row(
        "jumps land",
        f"{share(landing['share'])} {share_band(landing['interval'])}, "
        f"from a stand {stand}, from a run {run}",
        "Jump is pressed three times, then right: within 15 presses the character has to fall "
        "and to rest on the ground.",
    )
    jump, right = (share(held[name]["share"]) for name in ("jump", "right"))
    yield Row(
        "held for 40 presses",
        f"{share(held['share'])} {share_band(held['interval'])}, jump {jump}, right {right}",
        "A held jump has to come down again, and 95% of the frames have to look real.",
    )
    yield Row(
        "a walk to the right",
        f"{number(walk['moving_frames'], 0)} {band(walk['interval'], 0)} of {walk['presses']} "
        f"frames move, at least {number(walk['least'], 0)}",
        "Right is held, and jump pressed wherever the character has stood for three frames.",
    )


def _compared(report: Report) -> Iterator[Compared]:
    if report["landing"]:
        yield Compared("jumps land", number(report["landing"]["share"]))
        yield Compared("held for 40 presses", number(report["held"]["share"]))
        yield Compared("a walk to the right, frames", number(report["walk"]["moving_frames"]))


PHYSICS = Metric("physics", _measure, _frames, rows=_rows, compared=_compared)

"""A training plan as text, and every model of the paper beside ours."""

from playworld.presets import PAPER
from playworld.words import counted
from playworld.workflows.plan import ModelSize, TrainingPlan, TrainingPlanOptions, plan


def format_plan(made: TrainingPlan) -> str:
    """The plan for people."""
    asked = made.options
    lines = [f"{made.preset} on {asked.devices} x {asked.device_memory}", ""]
    lines.append(f"{'parameters':24}{'ours':>10}{'paper':>10}{'ratio':>8}")
    lines += [f"{part.name:24}{columns(part)}" for part in made.parts]
    lines += ["", f"{'':24}" + "".join(f"{stage.name:>12}" for stage in made.stages)]
    rows = {
        "steps": [f"{s.steps:,}" for s in made.stages],
        "clips a step": [f"{s.clips:,}" for s in made.stages],
        "clips on a device": [f"{s.per_device:,}" for s in made.stages],
        "clips at once": [f"{s.at_once:,}" for s in made.stages],
        "GB a device: weights": [gigabytes(s.weights) for s in made.stages],
        "  gradients": [gigabytes(s.gradients) for s in made.stages],
        "  optimizer, average": [gigabytes(s.optimizer) for s in made.stages],
        "  gathered blocks": [gigabytes(s.gathered) for s in made.stages],
        "  activations": [gigabytes(s.activations) for s in made.stages],
        "  in all": [gigabytes(s.memory) for s in made.stages],
        "FLOPs a step": [f"{s.flops / s.steps:.3g}" for s in made.stages],
        "FLOPs in all": [f"{s.flops:.3g}" for s in made.stages],
        f"days at {100 * asked.utilisation:.0f}%": [f"{s.days:.3g}" for s in made.stages],
    }
    lines += [f"{name:24}" + "".join(f"{cell:>12}" for cell in row) for name, row in rows.items()]
    world = made.stages[-1]
    if world.own_flops and world.printed_flops:
        share = world.own_flops / world.printed_flops
        lines.append(
            f"\ndynamics alone: {world.own_flops:.3g} FLOPs, the paper prints "
            f"{world.printed_flops:.3g} (ratio {share:.2f})"
        )
    if not made.fits:
        lines.append(f"\nThis does not fit into {asked.device_memory}: take more devices.")
    for stage in made.stages:
        if asked.devices > stage.clips:
            lines.append(
                f"\n{counted(asked.devices - stage.clips, 'device')} would have no clip of the "
                f"{stage.name}: "
                "take fewer, or larger batches."
            )
    return "\n".join(lines)


def compare_with_paper() -> str:
    """Every model of the paper beside ours, as a table."""
    lines = [f"{'dynamics':14}{'ours':>10}{'paper':>10}{'ratio':>8}{'FLOPs':>11}{'paper':>11}"
             f"{'ratio':>8}"]  # fmt: skip
    for recipe in PAPER:
        made = plan(recipe, TrainingPlanOptions())
        part, world = made.parts[-1], made.stages[-1]
        own, printed = world.own_flops, world.printed_flops
        assert own is not None
        line = f"{made.preset:14}{columns(part)}"
        share = own / printed if printed else None
        paper = f"{printed:.3g}" if printed else "-"
        lines.append(f"{line}{own:>11.3g}{paper:>11}{ratio(share)}")
    return "\n".join([*lines, "", *(f"{part.name:14}{columns(part)}" for part in made.parts[:2])])


def columns(part: ModelSize) -> str:
    """Parameters here, in the paper, and their ratio."""
    return f"{short(part.parameters)}{short(part.printed)}{ratio(part.ratio)}"


def short(count: float | None) -> str:
    """A number of parameters in a column of ten."""
    if count is None:
        return f"{'-':>10}"
    return f"{count / 1e9:>9.2f}B" if count >= 1e9 else f"{count / 1e6:>9.3g}M"


def ratio(value: float | None) -> str:
    """A ratio in a column of eight."""
    return f"{'-':>8}" if value is None else f"{value:>8.2f}"


def gigabytes(size: int) -> str:
    """Bytes as GB."""
    return f"{size / 1e9:.3g}"

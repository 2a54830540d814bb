"""What held-out clips say of a world: the figures that `create` prints, and the better of two."""

from collections.abc import Mapping
from typing import Any

from playworld.evaluate.page.numbers import number, share
from playworld.words import counted

FRAMES = ("1", "4", "8")
"""Generated frames whose figures are printed, as far as the clips reach."""
CONTROL = "4"
"""The frame of delta PSNR (Genie, section 3)."""
SIDES = ("left", "right")
OTHERS = ("up", "down")
RARE = 0.02
"""Share of the video below which nothing is said to move that way: tracking errs as often."""
SPARED = 0.15
"""Share of the starts by which one of the two moves may work more rarely than before."""

Figures = Mapping[str, Any]
"""A report, or what its report.json holds."""


def figures(report: Figures) -> str:
    """Rollouts beside a copy of the last frame, delta PSNR, and how surely two moves work."""
    rollout, control = report["rollout"], report["control"]
    frames = [frame for frame in FRAMES if frame in rollout["psnr"]]
    lines = [f"{'PSNR in dB of frame':<46}" + "".join(f"{frame:>8}" for frame in frames)]
    for name, found in (
        (counted(report["clips"], "held-out clip"), rollout),
        (f"{rollout['moving']['clips']} of them that move", rollout["moving"]),
    ):
        for what, key in (("generated", "psnr"), ("copy of the last frame", "copy_last")):
            cells = "".join(f"{number(found[key][frame]):>8}" for frame in frames)
            lines.append(f"{name if key == 'psnr' else '':<22}{what:<24}{cells}")
    delta = control["delta_psnr"][CONTROL]
    lines.append(
        f"delta PSNR, frame {CONTROL}: {number(delta['mean'])} dB, at least {number(delta['low'])}"
    )
    works = (f"{move} from {share(works_from(report, move))}" for move in moves(report))
    lines.append(f"{' and '.join(works)} of {counted(control['starts'], 'start')}")
    return "\n".join(lines)


def worth(report: Figures) -> float:
    """PSNR of rollouts, as the mean over `FRAMES`, and delta PSNR; dB."""
    found = [report["rollout"]["psnr"].get(frame) for frame in FRAMES]
    known = [value for value in found if value is not None]
    return sum(known) / len(known) + (report["control"]["delta_psnr"][CONTROL]["mean"] or 0.0)


def moves(report: Figures) -> tuple[str, ...]:
    """Left and right; where the video has none of either, its two commonest moves.

    The video decides, and not the buttons: a world to start from may move to a side in a game that
    never does. Where there is gravity, that leads down, and no button does.
    """
    movement = report["control"]["movement"]
    counts = movement["counts"] | movement["left_out"]
    went = {
        move: sum(count for name, count in counts.items() if move in name.split("-"))
        for move in (*SIDES, *OTHERS)
    }
    if report["control"].get("gravity"):  # reports of earlier runs do not say
        del went["down"]
    least = RARE * sum(counts.values())
    if all(went[side] > least for side in SIDES):
        return SIDES
    common = sorted(went, key=lambda move: -went[move])[:2]
    return tuple(move for move in common if went[move] > least) or SIDES


def works_from(report: Figures, move: str) -> float:
    """Share of the starts from which the button that does it best moves that way."""
    control = report["control"]
    if move != "down":
        return control["directions"]["jump" if move == "up" else move]["share"]
    found = (b["consistency"] for b in control["buttons"] if move in b["does"].split())
    return max(found, default=0.0)


def works_least(report: Figures, some: tuple[str, ...]) -> float:
    """Share of the starts from which the one of these moves works that works most rarely."""
    return min(works_from(report, move) for move in some)


def is_better(new: Figures, old: Figures) -> bool:
    """Whether a world has gained by training: in `worth`, and without losing a move."""
    both = moves(old)
    kept = works_least(new, both) >= works_least(old, both) - SPARED
    return kept and worth(new) >= worth(old)


def compared(new: Figures, old: Figures) -> str:
    """What training changed, and which world is kept."""
    both = moves(old)
    change = (
        f"pictures and control together {worth(old):.2f} -> {worth(new):.2f} dB, "
        f"{' and '.join(both)} from {share(works_least(old, both))} -> "
        f"{share(works_least(new, both))} of the starts or more"
    )
    if is_better(new, old):
        return f"trained further: {change}"
    return f"the world that it started from is kept, as training made it worse: {change}"


def problem(report: Figures) -> str:
    """What is wrong with the world in one sentence; empty where nothing is."""
    if not report["control"]["answers"]:
        return "Nothing shows that this world answers its buttons."
    rollout = report["rollout"]
    if rollout["psnr"][CONTROL] <= rollout["copy_last"][CONTROL]:
        return "This world answers its buttons, but a frozen picture predicts frame 4 better."
    return ""

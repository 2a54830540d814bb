"""A study of cloning as a figure like the paper's: levels solved against labelled transitions."""

from collections.abc import Sequence

from PIL import Image

from playworld.studies.cloning_report import Score
from playworld.studies.plot_axes import COLOURS, Colour, Panel, side_by_side

NONE_AT = 4.0
"""Where the axis, which goes by factors, has the dictionary of no labels."""
LINES = {"oracle": COLOURS[1], "random": COLOURS[2], "steady": COLOURS[4]}
KEY = {"latent": "latent", "oracle": "oracle", "random": "random", "steady": "right-up held"}


def draw_cloning(found: Sequence[Score]) -> Image.Image:
    """One set of axes for each difficulty."""
    difficulties = sorted({score.difficulty for score in found})
    panels = [_panel(d, [s for s in found if s.difficulty == d]) for d in difficulties]
    return side_by_side(panels) if len(panels) > 1 else panels[0].image


def _panel(difficulty: str, own: Sequence[Score]) -> Panel:
    latent = [score for score in own if score.arm == "latent"]
    last = max([score.samples or 0 for score in latent] + [100])
    x = (NONE_AT / 1.3, last * 1.3)
    title = f"CoinRun, {difficulty}: % of levels solved"
    panel = Panel(title, "labelled transitions of the expert", x, (0, 100))
    colours: dict[str, Colour] = {}
    for score in own:
        if score.arm in LINES:
            colours[score.arm] = LINES[score.arm]
            low, high = (100 * end for end in score.interval)
            panel.band([(x[0], low), (x[1], low)], [(x[0], high), (x[1], high)], LINES[score.arm])
            mean = 100 * score.mean
            panel.line([(x[0], mean), (x[1], mean)], LINES[score.arm])
    if latent:
        colours = {"latent": COLOURS[0], **colours}
        places = [float(score.samples or NONE_AT) for score in latent]
        panel.tick(NONE_AT, "0")
        pairs = list(zip(places, latent, strict=True))
        low_ends, high_ends = ([(p, 100 * s.interval[end]) for p, s in pairs] for end in (0, 1))
        points = [(p, 100 * s.mean) for p, s in pairs]
        panel.band(low_ends, high_ends, COLOURS[0])
        panel.line(points, COLOURS[0])
        panel.dots(points, COLOURS[0])
    panel.key([KEY[name] for name in colours], list(colours.values()))
    return panel

"""Everything that an evaluation measures, and the order in which each output shows it."""

from playworld.evaluate.metric import Metric
from playworld.evaluate.metrics.agreement import AGREEMENT
from playworld.evaluate.metrics.answers import ANSWERS
from playworld.evaluate.metrics.buttons import BUTTONS
from playworld.evaluate.metrics.codebooks import CODEBOOKS
from playworld.evaluate.metrics.delta_psnr import DELTA_PSNR
from playworld.evaluate.metrics.dictionary import DICTIONARY
from playworld.evaluate.metrics.directions import DIRECTIONS
from playworld.evaluate.metrics.fidelity import FIDELITY
from playworld.evaluate.metrics.frame_quality import FRAME_QUALITY
from playworld.evaluate.metrics.information import INFORMATION
from playworld.evaluate.metrics.keys import KEYS
from playworld.evaluate.metrics.long_play import LONG_PLAY
from playworld.evaluate.metrics.look import LOOK
from playworld.evaluate.metrics.lpips import LPIPS
from playworld.evaluate.metrics.mirror import MIRROR
from playworld.evaluate.metrics.physics import PHYSICS
from playworld.evaluate.metrics.prompts import PROMPTS
from playworld.evaluate.metrics.returns import RETURNS
from playworld.evaluate.metrics.sharpness import SHARPNESS
from playworld.evaluate.metrics.speed import SPEED
from playworld.evaluate.metrics.steering import STEERING
from playworld.evaluate.metrics.tokenizer import TOKENIZER

METRICS: tuple[Metric, ...] = (
    *(FRAME_QUALITY, DELTA_PSNR, SHARPNESS, LPIPS, TOKENIZER, CODEBOOKS, AGREEMENT, SPEED),
    *(FIDELITY, INFORMATION, DICTIONARY, STEERING, RETURNS, ANSWERS, PHYSICS, MIRROR, KEYS, LOOK),
    *(LONG_PLAY, PROMPTS, DIRECTIONS, BUTTONS),
)
"""In the order in which they are measured, and of the terminal's table."""


def in_order(*first: Metric) -> tuple[Metric, ...]:
    """These metrics first, then the others as they are listed."""
    return (*first, *(metric for metric in METRICS if metric not in first))


COMPARED = in_order(
    *(TOKENIZER, FRAME_QUALITY, LPIPS, DELTA_PSNR, FIDELITY, DIRECTIONS, AGREEMENT, INFORMATION),
    *(RETURNS, PHYSICS, MIRROR, LOOK, LONG_PLAY, SPEED, ANSWERS),
)
"""In a comparison of worlds."""
TILES = in_order(
    *(DELTA_PSNR, FRAME_QUALITY, TOKENIZER, DIRECTIONS, AGREEMENT, LONG_PLAY, FIDELITY, SPEED)
)
"""The headline figures of the page."""
SECTIONS = tuple(
    metric
    for metric in in_order(RETURNS, INFORMATION, STEERING, FIDELITY, SPEED)
    if metric is not BUTTONS
)
"""The metrics' own sections of the page, below those of buttons and of what a player relies on."""

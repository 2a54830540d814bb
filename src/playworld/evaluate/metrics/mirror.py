"""Mirrored codes: whether the mirrored video has the mirrored code."""

from collections.abc import Iterator

import torch
from jaxtyping import Int
from torch import Tensor

from playworld.evaluate.context import Context
from playworld.evaluate.directions import infer_codes
from playworld.evaluate.intervals import A_SHARE, interval
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row
from playworld.evaluate.page.numbers import number, share, share_band


def mirror_agreement(
    codes: Int[Tensor, "clips S"], flipped: Int[Tensor, "clips S"], num_codes: int
) -> Tensor:
    """For each clip the share of its transitions whose mirrored code is the expected one.

    Which code mirrors which is taken from one half of the clips and tried on the other.
    """
    even = torch.arange(len(codes)) % 2 == 0
    agree = torch.zeros(len(codes))
    for learned, tried in ((even, ~even), (~even, even)):
        pairs = codes[learned] * num_codes + flipped[learned]
        table = torch.bincount(pairs.flatten(), minlength=num_codes**2)
        partner = table.view(num_codes, num_codes).argmax(dim=1)
        agree[tried] = (partner[codes[tried]] == flipped[tried]).float().mean(dim=1)
    return agree


TITLE = "mirrored codes"


def _measure(context: Context) -> Measured:
    """None for a single clip."""
    codes = context.played.actions
    if len(codes) < 2:
        return Measured({"mirror": None})
    flipped = infer_codes(context.world, context.held.video.flip(3))
    agree = mirror_agreement(codes, flipped, context.world.num_actions)
    band = interval(agree, context.seed, A_SHARE)
    return Measured({"mirror": {"agreement": band["mean"], "interval": band, "clips": len(codes)}})


def _rows(report: Report) -> Iterator[Row]:
    if (found := report["mirror"]) is not None:
        text = f"{share(found['agreement'])} {share_band(found['interval'])}"
        yield Row(TITLE, text, "How often the mirrored video has the mirrored code.")


def _compared(report: Report) -> Iterator[Compared]:
    if (found := report["mirror"]) is not None:
        yield Compared(TITLE, number(found["agreement"]))


MIRROR = Metric(TITLE, _measure, rows=_rows, compared=_compared)

"""How much of the codebooks is in use: tokens and latent actions."""

from collections.abc import Iterator

import torch
from jaxtyping import Int
from torch import Tensor

from playworld.evaluate.context import Context
from playworld.evaluate.metric import Measured, Metric, Report, Row
from playworld.evaluate.page.numbers import number


def usage(codes: Int[Tensor, "..."], num_codes: int) -> dict[str, float | int]:
    """How much of a codebook is in use.

    `perplexity` is exp(entropy) of the codes seen: `num_codes` when all are equally common, 1 when
    one does all the work. `used` counts the codes seen at all, of `total`.
    """
    shares = torch.bincount(codes.flatten(), minlength=num_codes).double() / max(1, codes.numel())
    entropy = -torch.xlogy(shares, shares).sum()
    return {
        "perplexity": entropy.exp().item(),
        "used": int((shares > 0).sum()),
        "total": num_codes,
    }


def _measure(context: Context) -> Measured:
    played, world = context.played, context.world
    tokens = usage(*world.tokenizer.chosen_codes(played.tokens))
    actions = usage(played.actions, world.num_actions)
    return Measured({"codes": tokens | {f"actions_{name}": v for name, v in actions.items()}})


def _rows(report: Report) -> Iterator[Row]:
    for name, begin in (("tokens", ""), ("latent actions", "actions_")):
        used, total, perplexity = (
            report["codes"][f"{begin}{key}"] for key in ("used", "total", "perplexity")
        )
        yield Row(name, f"{used} of {total} codes used, perplexity {number(perplexity)}")


CODEBOOKS = Metric("codebooks", _measure, rows=_rows)

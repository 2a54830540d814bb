"""Reconstruction by the tokenizer: an upper bound for the pictures of a world."""

from collections.abc import Iterator

from playworld.evaluate.context import Context
from playworld.evaluate.image_quality import PSNR_BOUNDS, SSIM_BOUNDS
from playworld.evaluate.intervals import Samples, with_interval
from playworld.evaluate.metric import Compared, Measured, Metric, Report, Row, Tile
from playworld.evaluate.page.numbers import band, number


def _measure(context: Context) -> Measured:
    """All frames of the clips, prompts too: nothing is generated here."""
    played = context.played
    paired = {
        "tokenizer PSNR": Samples(played.psnr.mean(dim=1), PSNR_BOUNDS),
        "tokenizer SSIM": Samples(played.ssim.mean(dim=1), SSIM_BOUNDS),
    }
    bands = {name: found.interval(context.seed) for name, found in paired.items()}
    figures = with_interval("psnr", bands["tokenizer PSNR"])
    figures |= with_interval("ssim", bands["tokenizer SSIM"])
    return Measured({"tokenizer": figures}, paired)


def _rows(report: Report) -> Iterator[Row]:
    found = report["tokenizer"]
    psnr = f"{number(found['psnr'])} dB {band(found['psnr_interval'])}"
    yield Row("tokenizer", f"{psnr}, SSIM {number(found['ssim'], 3)}")


def _compared(report: Report) -> Iterator[Compared]:
    yield Compared("tokenizer PSNR, dB", number(report["tokenizer"]["psnr"]), "tokenizer PSNR")


def _tile(report: Report) -> Iterator[Tile]:
    found = report["tokenizer"]
    yield Tile(
        "Tokenizer PSNR",
        number(found["psnr"]),
        "dB",
        band(found["psnr_interval"]),
        f"True frames through the tokenizer and back (SSIM {number(found['ssim'], 3)}): "
        "the best picture this world can show.",
    )


TOKENIZER = Metric("tokenizer", _measure, rows=_rows, compared=_compared, tiles=_tile)

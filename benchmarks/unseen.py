"""How much of looks that were never trained on a tokenizer keeps.

    playworld record unseen VIDEOS --episodes 24 --max-frames 200
    playworld ingest VIDEOS/ninja CLIPS/ninja --valid-fraction 0.95     and so on for each set
    python benchmarks/unseen.py --sets CLIPS/ninja CLIPS/photo --tokenizers WORLD coinrun

The tokenizer sees every true frame and decodes from its own last picture (in a tokenizer of whole
frames: from its tokens alone). Printed for each set are PSNR at frames 0 (the picture given) to 64
with 95% intervals over clips, copy-last-frame beside it; PSNR of what moves by itself, which is
where no shift of the true last frame explains the next; sharpness of the last frame as a share of
the true one's; bits per frame, mean and 95th percentile, in numbers of fixed length; and frames
per second that one thread encodes and decodes, of one video at a time. A tokenizer is a world, or
the folder of a run.
"""

import argparse
import json
import math
import time
from datetime import date
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from playworld.config import from_dict
from playworld.evaluate.heldout import read_held_out
from playworld.evaluate.image_quality import psnr, psnr_where
from playworld.evaluate.image_stats import sharpness
from playworld.evaluate.intervals import interval
from playworld.evaluate.speed import processor_name
from playworld.models.base import Tokenizer
from playworld.models.kinds import build_tokenizer, frame_bits
from playworld.models.motion.config import MotionTokenizerConfig
from playworld.models.pixels import to_float, to_uint8
from playworld.models.tokenizer import TokenizerConfig
from playworld.train.checkpoints import newest, played_weights
from playworld.world import World

FRAMES = (0, 1, 4, 8, 16, 64)
SHIFT = 4
"""Pixels in each direction in which a shift of the last frame is looked for."""
MOVED = 0.05
"""Root mean square over the colours (of pixels in [0, 1]) above which no shift explains a pixel."""


def load(place: str) -> Tokenizer:
    """The tokenizer of a world, or the newest of a run, in evaluation mode."""
    run = Path(place) / "tokenizer"
    if not run.is_dir():
        return World.load(place).tokenizer.eval()
    shape = json.loads((run / "inputs.json").read_text())["tokenizer"]
    kind = MotionTokenizerConfig if "content" in shape else TokenizerConfig
    folder = newest(run)
    assert folder is not None, f"{run} has no checkpoint"
    weights = played_weights(folder)
    tokenizer = build_tokenizer(from_dict(kind, shape))
    own = {
        k.removeprefix("tokenizer."): v for k, v in weights.items() if k.startswith("tokenizer.")
    }
    tokenizer.load_state_dict(own)
    return tokenizer.eval()


def by_itself(video: UInt8[Tensor, "B T H W C"]) -> Float[Tensor, "B T H W"]:
    """1 where no shift of the whole last frame explains a pixel."""
    frames = to_float(video).permute(0, 1, 4, 2, 3)
    last, now = frames[:, :-1].flatten(0, 1), frames[:, 1:].flatten(0, 1)
    window = F.pad(last, (SHIFT,) * 4, mode="replicate")
    height, width = now.shape[-2:]
    best = torch.full_like(now[:, 0], math.inf)
    lowest = torch.full((len(now),), math.inf)
    for y in range(2 * SHIFT + 1):
        for x in range(2 * SHIFT + 1):
            error = (window[..., y : y + height, x : x + width] - now).square().mean(1)
            total = error.mean((1, 2))
            better = total < lowest
            best[better], lowest[better] = error[better], total[better]
    moved = (best > MOVED**2).float().unflatten(0, video.shape[:1] + (-1,))
    return F.pad(moved, (0, 0, 0, 0, 1, 0))


def shown(values: Float[Tensor, " clips"]) -> str:
    """Mean and half-width of the 95% interval."""
    found = interval(values[values.isfinite()])
    mean, low, high = (found[key] for key in ("mean", "low", "high"))
    if mean is None or low is None or high is None:
        return "-"
    return f"{mean:.1f} ±{(high - low) / 2:.1f}"


@torch.no_grad()
def coded(
    tokenizer: Tokenizer, video: UInt8[Tensor, "B T H W C"]
) -> tuple[Int[Tensor, "B T L"], UInt8[Tensor, "B T H W C"], float, float]:
    """Tokens, pictures, and seconds of the processor to make each of them; one video at a time."""
    tokens, pictures, encoding, decoding = [], [], 0.0, 0.0
    for clip in to_float(video):
        begun = time.process_time()
        tokens.append(tokenizer.encode(clip[None]))
        encoding += time.process_time() - begun
        begun = time.process_time()
        state, frames = tokenizer.begin(clip[:1]), []
        for t in range(len(clip)):
            frame, state = tokenizer.decode_step(tokens[-1][:, t], state, in_place=True)
            frames.append(to_uint8(frame))
        decoding += time.process_time() - begun
        pictures.append(torch.stack(frames, dim=1))
    return torch.cat(tokens), torch.cat(pictures), encoding, decoding


def main() -> None:
    """Measure every tokenizer on every set, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", type=Path, required=True, help="folders of clips")
    parser.add_argument("--tokenizers", nargs="+", required=True, help="worlds, or runs")
    parser.add_argument("--clips", type=int, default=24, help="clips of a set (default 24)")
    parser.add_argument("--frames", type=int, default=65, help="frames of a clip (default 65)")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{processor_name()}, 1 thread, torch {torch.__version__}, {date.today():%Y-%m-%d}")
    frames = [k for k in FRAMES if k < asked.frames]
    heads = "".join(f"{f'frame {k}':>12}" for k in frames)
    print(f"{'set':10}{'tokenizer':16}{heads}{'by itself':>12}{'sharp':>7}{'bits':>13}  frames/s")
    for place in asked.sets:
        video = read_held_out(place, asked.clips, asked.frames, seed=0).video
        moving, sharp = by_itself(video), sharpness(video[:, -1:])[:, 0]
        copy = psnr(video[:, :1].expand_as(video), video)
        cells = "".join(f"{shown(copy[:, k]):>12}" for k in frames)
        print(f"{place.name:10}{'copy of frame 0':16}{cells}", flush=True)
        for name in asked.tokenizers:
            tokenizer = load(name)
            tokens, pictures, encoding, decoding = coded(tokenizer, video)
            quality = psnr(pictures, video)
            figures = psnr_where(pictures, video, moving)[:, 1:].nanmean(1)
            ratio = (sharpness(pictures[:, -1:])[:, 0] / sharp.clamp_min(1e-4)).median()
            size = frame_bits(tokens, tokenizer.config)[:, 1:].flatten()
            count = video.shape[0] * video.shape[1]
            print(
                f"{'':10}{Path(name).name:16}"
                + "".join(f"{shown(quality[:, k]):>12}" for k in frames)
                + f"{shown(figures):>12}{ratio:7.2f}{size.mean():7.0f} {size.quantile(0.95):5.0f}"
                + f"  {count / encoding:.0f} / {count / decoding:.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

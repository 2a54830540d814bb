"""How well the pressed keys can be found in how a game moves: a limit for codes learned from that.

    python benchmarks/keys_from_motion.py CLIPS

Small classifiers are given the keys of every other held-out clip, by their effect as in `playworld
evaluate` ("codes against effects"), and find those of the rest, and the other way round. They see
how far the player moved in the transition itself and in those before it and, in the last row,
after it.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from playworld.evaluate.agreement import MIN_COUNT, UNKNOWN
from playworld.evaluate.heldout import read_held_out
from playworld.evaluate.movement import camera_of
from playworld.evaluate.transitions import TransitionLabels

AROUND = ((0, 0), (1, 0), (3, 0), (3, 2))
"""Transitions before and after the one of the key that a classifier sees."""
SCALE = 4.0
"""Pixels of a large movement."""


def surroundings(
    moved: Float[Tensor, "clips S 2"], before: int, after: int
) -> Float[Tensor, "clips S F"]:
    """The movements around every transition; at the ends of a clip its last ones again."""
    count = moved.shape[1]
    places = torch.arange(count)[:, None] + torch.arange(-before, after + 1)
    return moved[:, places.clamp(0, count - 1)].flatten(2) / SCALE


def recall(
    seen: Float[Tensor, "clips S F"], labels: Int[Tensor, "clips S"], classes: int, seed: int
) -> Float[Tensor, " classes"]:
    """Share of each class that is found, by classifiers that had the other half of the clips."""
    odd = (torch.arange(len(seen)) % 2 == 1)[:, None]
    known, hits = labels != UNKNOWN, torch.zeros(classes)
    for half in (odd, ~odd):
        found = fitted(seen, labels, known & half, classes, seed)(seen[known & ~half]).argmax(-1)
        truth = labels[known & ~half]
        hits += torch.bincount(truth[found == truth], minlength=classes)
    return hits / torch.bincount(labels[known], minlength=classes)


def fitted(
    seen: Float[Tensor, "clips S F"],
    labels: Int[Tensor, "clips S"],
    chosen: Bool[Tensor, "clips S"],
    classes: int,
    seed: int,
) -> nn.Module:
    """A classifier of these transitions, to which all classes matter alike."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(seen.shape[-1], 32), nn.GELU(), nn.Linear(32, classes))
    optimizer = torch.optim.AdamW(net.parameters(), 5e-3, weight_decay=0.1)
    truth = labels[chosen]
    weight = 1 / torch.bincount(truth, minlength=classes).clamp(min=1).float()
    for _ in range(200):
        loss = F.cross_entropy(net(seen[chosen]), truth, weight=weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


def main() -> None:
    """Print a row for each number of transitions around."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clips", type=Path, help="clips of a game whose keys were recorded")
    parser.add_argument("--num-clips", type=int, default=96, help="held-out clips (default: 96)")
    parser.add_argument("--length", type=int, default=20, help="frames of each (default: 20)")
    args = parser.parse_args()
    torch.set_num_threads(1)  # the same sums on every machine
    held = read_held_out(args.clips, args.num_clips, args.length, seed=0)
    found = TransitionLabels.of(held, camera_of(held.video))
    if "effective_keys" not in found.labels:
        parser.error(f"{args.clips}: no keys for left and right beside the videos")
    labels, names = found.labels["effective_keys"]
    counts = torch.bincount(labels[labels != UNKNOWN], minlength=len(names))
    kept = (counts >= MIN_COUNT).nonzero().flatten()
    labels = torch.where(torch.isin(labels, kept), labels, UNKNOWN)
    print(f"{len(held.video)} clips, {int(counts[kept].sum())} transitions")
    print("before after balanced  " + "  ".join(f"{names[k]} ({counts[k]})" for k in kept))
    for before, after in AROUND:
        seen = surroundings(found.player, before, after)
        shares = torch.stack([recall(seen, labels, len(names), seed) for seed in range(3)])
        each = shares.mean(0)[kept]
        row = "  ".join(f"{share:.0%}" for share in each)
        print(f"{before:6} {after:5} {each.mean():8.0%}  {row}")


if __name__ == "__main__":
    main()

#!/bin/sh
# The built-in world from nothing: about two hours of one core, less of two. Folders go below $1
# (default: ./coinrun). Run again after a stop, it keeps clips that were finished, and a training
# goes on where it stopped; all else is made again.
set -eu
out=${1:-coinrun}
here=$(dirname "$0")
mkdir -p "$out"

# CoinRun without its background pictures, one theme: sharp rather than varied.
if [ ! -e "$out/clips/dataset.json" ]; then
    playworld record coinrun "$out/videos" --no-backgrounds --episodes 600 --max-frames 300 --seed 0
    playworld ingest "$out/videos" "$out/clips"
fi
if [ ! -e "$out/test/dataset.json" ]; then
    playworld record coinrun "$out/unseen" --no-backgrounds --episodes 60 --max-frames 300 \
        --seed 1000
    playworld ingest "$out/unseen" "$out/test" --valid-fraction 0.9
fi
python "$here/draw_prompts.py" "$out/drawn"

playworld train small "$out/clips" "$out/world" --name CoinRun --run "$out/run" \
    --tokenizer-steps 1600 --world-steps 3300 --prompts "$out/drawn" --about "$here/coinrun.md"
# From levels that it was not trained on, as its own held-out tenth has few walks.
python "$here/choose_prompts.py" "$out/world" "$out/test" --prompts "$out/drawn"
playworld evaluate "$out/world" "$out/test" --out "$out/report" --card
playworld gallery "$out/world" --out "$out/gallery"

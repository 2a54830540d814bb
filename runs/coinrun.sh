#!/bin/sh
# The built-in world from nothing: about an hour on two cores. Folders go below $1 (default: ./coinrun).
set -eu
out=${1:-coinrun}
mkdir -p "$out"

playworld record coinrun "$out/videos" --episodes 400 --max-frames 300 --seed 0
playworld record coinrun "$out/unseen" --episodes 60 --max-frames 300 --seed 1000
playworld ingest "$out/videos" "$out/clips"
playworld ingest "$out/unseen" "$out/test" --valid-fraction 0.9

playworld train small "$out/clips" "$out/world" --name CoinRun --run "$out/run" \
    --tokenizer-steps 900 --world-steps 1900
playworld evaluate "$out/world" "$out/test" --out "$out/report" --card

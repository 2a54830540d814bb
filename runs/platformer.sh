#!/bin/sh
# A world with jumps that land in any picture, from nothing: tokens of changes, learned from platform
# games of many looks and from CoinRun (docs/motion.md). Folders go below $1 (default: ./platformer).
# Run again after a stop, it keeps clips that were finished, and a training goes on where it stopped.
set -eu
out=${1:-platformer}
here=$(dirname "$0")
mkdir -p "$out"

coinrun() {
    name=$1
    shift
    playworld record coinrun "$out/$name" --smooth --themes all "$@"
}

if [ ! -e "$out/clips/dataset.json" ]; then
    playworld record platforms "$out/videos/platforms" --episodes 420 --max-frames 300 --seed 61
    coinrun videos/held --player holder --episodes 60 --max-frames 300 --seed 51
    coinrun videos/explored --episodes 20 --max-frames 300 --seed 52
    coinrun videos/hard --player holder --mode hard --episodes 30 --max-frames 300 --seed 53
    playworld ingest "$out/videos" "$out/clips" --fps 20 --valid-fraction 0.03
fi
if [ ! -e "$out/test/coinrun/dataset.json" ]; then
    playworld record unseen "$out/unseen" --episodes 24 --max-frames 200
    coinrun unseen/coinrun/explored --episodes 10 --max-frames 200 --seed 901
    coinrun unseen/coinrun/held --player holder --episodes 10 --max-frames 200 --seed 902
    for set in photo drawn ninja climber coinrun; do
        playworld ingest "$out/unseen/$set" "$out/test/$set" --fps 20 --valid-fraction 0.95
    done
fi
playworld train platformer "$out/clips" "$out/world" --name Platformer --run "$out/run" \
    --tokenizer-steps 3200 --world-steps 4800 --about "$here/platformer.md"
python "$here/../benchmarks/unseen_play.py" "$out/world" --json "$out/unseen.json" \
    --out "$out/played.png" \
    --sets "$out"/test/photo "$out"/test/drawn "$out"/test/ninja "$out"/test/climber
playworld evaluate "$out/world" "$out/test/coinrun" --num-clips 48 --button-starts 24 \
    --return-starts 8 --long-rollouts 8 --out "$out/report" --card
python "$here/../benchmarks/goals.py" "$out/report" --unseen "$out/unseen.json"

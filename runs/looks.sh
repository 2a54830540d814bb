#!/bin/sh
# A world of many looks from nothing: tokens of changes, learned from the zoo and from games of
# Procgen (docs/motion.md). Folders go below $1 (default: ./looks). Run again after a stop, it keeps
# what was finished, and a training goes on where it stopped.
set -eu
out=${1:-looks}
here=$(dirname "$0")
mkdir -p "$out"

if [ ! -e "$out/clips/dataset.json" ]; then
    playworld record zoo "$out/videos/zoo" --episodes 420 --max-frames 300 --seed 23
    for game in coinrun jumper caveflyer miner maze heist chaser; do
        for mode in easy hard; do
            case $game in coinrun) count=60 ;; jumper) count=30 ;; *) count=16 ;; esac
            case $mode in easy) seed=3 ;; *) seed=4 ;; esac
            playworld record "$game" "$out/videos/$game-$mode" --mode "$mode" --themes all \
                --episodes "$count" --max-frames 400 --seed "$seed"
        done
    done
    playworld ingest "$out/videos" "$out/clips" --valid-fraction 0.03
fi
if [ ! -e "$out/test/photo/dataset.json" ]; then
    playworld record unseen "$out/unseen" --episodes 24 --max-frames 200
    for set in ninja climber photo drawn; do
        playworld ingest "$out/unseen/$set" "$out/test/$set" --valid-fraction 0.95
    done
fi
playworld train motion "$out/clips" "$out/world" --name Looks --run "$out/run" \
    --tokenizer-steps 3200 --world-steps 3200 --about "$here/looks.md"
python "$here/../benchmarks/unseen.py" --tokenizers "$out/world" --sets "$out"/test/*
python "$here/../benchmarks/unseen_play.py" "$out/world" --sets "$out"/test/* \
    --out "$out/played.png"

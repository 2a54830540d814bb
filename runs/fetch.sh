#!/bin/sh
# A world of a robot arm from nothing: about an hour and a half of one core. Folders go below $1
# (default: ./fetch). $2 is what the robot does (fetch, fetch-push, fetch-pick or fetch-door), $3 the
# preset: small, or robotics-small for the paper's 160x90 pixels. A command that was stopped goes on
# where it stopped when it is run again.
set -eu
out=${1:-fetch}
scene=${2:-fetch}
preset=${3:-small}
size=64x64
if [ "$preset" = robotics-small ]; then size=160x90; fi
here=$(dirname "$0")
mkdir -p "$out"

# An hour of footage, and six minutes of other episodes to measure with.
playworld record "$scene" "$out/videos" --episodes 300 --max-frames 240 --seed 0 --size "$size"
playworld record "$scene" "$out/unseen" --episodes 64 --max-frames 120 --seed 1000 --size "$size"
playworld ingest "$out/videos" "$out/clips" --size "$size"
playworld ingest "$out/unseen" "$out/test" --size "$size" --valid-fraction 0.9

playworld train "$preset" "$out/clips" "$out/world" --name Fetch --run "$out/run" \
    --tokenizer-steps 1000 --world-steps 1600 --about "$here/fetch.md"
# The camera stands still, and the buttons are held against the true commands of the hand.
playworld evaluate "$out/world" "$out/test" --out "$out/report" --card
# As the paper draws it: three starts down, and one button five times in each column.
playworld gallery "$out/world" --out "$out/gallery" --presses 5 --starts 3

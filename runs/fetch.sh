#!/bin/sh
# A world of a robot arm from nothing: about an hour and a half of one core. Folders go below $1
# (default: ./fetch), one for each $2 and $3. $2 is what the robot does (fetch, fetch-push,
# fetch-pick or fetch-door), $3 the preset: small, or robotics-small for the paper's 160x90 pixels.
# Run again after a stop, it keeps clips that were finished, and a training goes on where it
# stopped; all else is made again.
set -eu
out=${1:-fetch}
scene=${2:-fetch}
preset=${3:-small}
size=64x64
if [ "$preset" = robotics-small ]; then size=160x90; fi
here=$(dirname "$0")
mkdir -p "$out"
case $scene in
fetch-push) name="Fetch push" task="push a cube" ;;
fetch-pick) name="Fetch pick" task="pick up a cube" ;;
fetch-door) name="Fetch door" task="push a door open and shut" ;;
*) name=Fetch task="push a cube and pick it up" ;;
esac

# An hour of footage, and six minutes of other episodes to measure with.
if [ ! -e "$out/clips/dataset.json" ]; then
    playworld record "$scene" "$out/videos" --episodes 300 --max-frames 240 --seed 0 --size "$size"
    playworld ingest "$out/videos" "$out/clips" --size "$size"
fi
if [ ! -e "$out/test/dataset.json" ]; then
    playworld record "$scene" "$out/unseen" --episodes 64 --max-frames 120 --seed 1000 \
        --size "$size"
    playworld ingest "$out/unseen" "$out/test" --size "$size" --valid-fraction 0.9
fi

# The card's words, for this scene.
sed "s/SCENE/$scene/; s/TASK/$task/" "$here/fetch.md" > "$out/about.md"
playworld train "$preset" "$out/clips" "$out/world" --name "$name" --run "$out/run" \
    --tokenizer-steps 1000 --world-steps 1600 --about "$out/about.md"
# The camera stands still, and the buttons are held against the true commands of the hand.
playworld evaluate "$out/world" "$out/test" --out "$out/report" --card
# As the paper draws it: three starts down, and one button five times in each column.
playworld gallery "$out/world" --out "$out/gallery" --presses 5 --starts 3

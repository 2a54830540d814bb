#!/bin/sh
# Does a filter pay? CoinRun mixed with other games, menus and noise; 240 labels; a filter; and two
# worlds at equal steps, one on everything and one on what the filter keeps, measured on CoinRun
# levels that neither has seen. Half an hour of one core. Folders go below $1 (default: ./curate).
set -eu
out=${1:-curate}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
cd "$out"

playworld record coinrun videos --no-backgrounds --episodes 60 --max-frames 300 --seed 0
for game in climber bigfish starpilot; do
    playworld record $game videos --no-backgrounds --episodes 20 --max-frames 300 --seed 0
done
python "$here/draw_menus.py" videos 20
playworld record coinrun unseen --no-backgrounds --episodes 60 --max-frames 300 --seed 1000
playworld ingest videos raw
playworld ingest unseen test --valid-fraction 0.9

# A person would run: playworld curate label raw
python "$here/label_by_name.py" raw raw.labels.json coinrun 240
for kind in resnet18 quick; do
    playworld curate train raw raw.labels.json filter-$kind --kind $kind --steps 80 --batch-size 16
done
playworld curate apply raw filter-quick kept

for clips in raw kept; do
    playworld train small $clips world-$clips --name $clips --run run-$clips \
        --tokenizer-steps 200 --world-steps 150
    playworld evaluate world-$clips test --out report-$clips --num-clips 48 \
        --long-rollouts 0 --arm-clips 0 --return-starts 0
done

#!/bin/sh
# What one GPU of 80 GB does, in about 10 minutes: training steps, then frames of play. What is
# printed goes to gpu.txt in the folder $1 (default: ./gpu) as well.
set -eu
out=${1:-gpu}
here=$(dirname "$0")
mkdir -p "$out"
export TORCHINDUCTOR_CACHE_DIR="$out/inductor"

measure() {
    python "$@" --device cuda > "$out/part.txt"
    cat "$out/part.txt"
    cat "$out/part.txt" >> "$out/gpu.txt"
}

measure "$here/train_step.py" --seconds 4 --preset small comparison
measure "$here/train_step.py" --seconds 4 --preset coinrun-paper --batch 16
measure "$here/train_step.py" --seconds 4 --preset genie-811m --stage dynamics --batch 4 --recompute
measure "$here/sample.py" --seconds 0.5 --limit 60 --preset small genie-811m --way cached compiled
measure "$here/sample.py" --seconds 0.5 --limit 60 --preset coinrun-paper --way cached "full window"
measure "$here/sample.py" --seconds 0.5 --limit 90 --preset genie-10.7b --way cached

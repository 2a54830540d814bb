#!/bin/sh
# What one GPU does, in under 10 minutes: training steps, and frames of play. Folders of compiled
# kernels go below $1 (default: ./gpu). About 45 GB of GPU memory for the largest model.
set -eu
out=${1:-gpu}
here=$(dirname "$0")
mkdir -p "$out"
export TORCHINDUCTOR_CACHE_DIR="$out/inductor"

step="python $here/train_step.py --device cuda --seconds 4"
$step --preset small comparison | tee "$out/train_step.txt"
$step --preset coinrun-paper --batch 36 | tee -a "$out/train_step.txt"
$step --preset genie-811m --stage dynamics --batch 4 --recompute | tee -a "$out/train_step.txt"
$step --preset genie-2.7b --stage dynamics --batch 1 --recompute | tee -a "$out/train_step.txt"

sample="python $here/sample.py --device cuda --seconds 1"
$sample --preset small coinrun-paper genie-811m --limit 60 | tee "$out/sample.txt"
$sample --preset genie-10.7b --way cached compiled --limit 90 | tee -a "$out/sample.txt"

#!/bin/sh
# The site of the built-in worlds (docs/site.md), in the folder $1 (default: ./pages).
set -eu
playworld export platformer "${1:-pages}" --also any --also coinrun

"""What to train on: clips labelled 1 to 5, a filter that learned from that, and its verdict."""

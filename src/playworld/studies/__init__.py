"""Comparisons that train or play many times: ablations, scaling, cloning, goals, transfer."""

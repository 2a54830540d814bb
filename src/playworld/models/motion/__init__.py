"""Frames as what changes: motion, skip and what is new, as a video codec has them."""

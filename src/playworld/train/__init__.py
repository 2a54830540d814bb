"""Objectives, the one training loop, and the stages that turn clips into a world."""

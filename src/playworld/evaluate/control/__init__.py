"""Controllability: whether a world follows its actions."""

"""Agents: learn to act from watching, and learn inside a world."""

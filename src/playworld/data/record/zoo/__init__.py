"""Procedural 2-D games without end: looks, levels, physics and a player, all from one seed."""

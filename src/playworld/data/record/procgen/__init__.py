"""Procgen: an interpreter that has it, and the scripts that run there."""

"""Simulators and known datasets -> video files with their true actions beside them."""

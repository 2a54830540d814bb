"""Work that combines everything: a world from a folder in a given time, and what a machine can."""

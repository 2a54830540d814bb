"""Work that combines everything: a world from a folder under a time budget, and the machine's report."""

"""Folders of clips: shards, the order in which clips are read, and the cache of their tokens."""

"""Video files to clips: decode, cut into scenes, store, and read back for training."""

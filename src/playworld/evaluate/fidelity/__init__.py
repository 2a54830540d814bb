"""How far generated video is from real video."""

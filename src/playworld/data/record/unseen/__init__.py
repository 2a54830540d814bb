"""Films of photo-like and of drawn scenes, for tests of looks that no training has shown."""

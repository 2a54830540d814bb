"""A folder of videos -> a folder of clips: decoded, cut, cleaned, split, and reported on."""

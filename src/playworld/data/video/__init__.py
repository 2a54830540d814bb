"""Video files and pictures of strangers -> frames, decoded in child processes; and back."""

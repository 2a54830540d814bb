"""Curation: clips labelled 1 to 5, a filter trained on the labels, and the clips it keeps."""

"""Taste: which tracks are favourited by the same people, in files without a word of who these are."""

"""Taste: which tracks are favourited by the same people, in files that say nothing about these people."""

"""Measures how good the recommendations are, on any folder of music."""

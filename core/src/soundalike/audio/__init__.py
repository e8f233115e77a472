"""Decoding previews and music files to mono samples at 12 kHz, and encoding clips of music files."""

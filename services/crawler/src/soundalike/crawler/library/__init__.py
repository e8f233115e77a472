"""Libraries: the music files of a folder, and where they lie."""

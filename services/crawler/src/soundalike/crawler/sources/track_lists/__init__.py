"""Lists of tracks in files, as people export them: CSV, JSPF, M3U."""

"""Any preview or music file to mono samples at 12 kHz; and previews cut out of music files."""

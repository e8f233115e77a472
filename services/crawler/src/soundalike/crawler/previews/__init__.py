"""Finding 30 s of a track: providers are asked in turn, and what they offer is compared with what is wanted."""

"""Answers `GET /recommend?track=`: the published index version plus the vectors that are newer."""

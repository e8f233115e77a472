"""The walk over SoundCloud: from a user to the tracks it likes, to who else likes those, to what they like."""

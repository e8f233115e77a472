"""The walk over SoundCloud: from a user to what it likes, to who else likes that, to what they like."""

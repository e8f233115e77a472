"""The JSON of the responses."""

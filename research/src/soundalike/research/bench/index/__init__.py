"""The index measured: engines beside each other, and the API over real HTTP, on the same vectors."""

"""The indexer: fits the projection, builds the Annoy index, measures it and publishes a version."""

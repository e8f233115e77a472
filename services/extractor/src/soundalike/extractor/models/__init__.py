"""The available models: weights, statistics and tags of each, by the value of MODEL."""

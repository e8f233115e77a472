"""Extracts embeddings and tags of previews with a neural network and stores them."""

"""Nearest neighbours of sentence embeddings: the encoder, the index, and the passages that are retrieved with it."""

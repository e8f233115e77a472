"""The embedding space and its version files: built and measured once, immutable, mapped into memory by its readers."""

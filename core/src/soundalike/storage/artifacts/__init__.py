"""Versions of files: written once, listed with their checksums in a manifest, verified and mapped into memory."""

"""Versions of files: written once, vouched for in a manifest, checked and mapped into memory by their readers."""

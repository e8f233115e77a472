"""Hears previews through Choi's network and stores their vectors."""

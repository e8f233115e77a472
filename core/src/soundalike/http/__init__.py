"""Calls of the web services outside: how they end, how often they may be made, and when they are tried again."""

"""Asking the services that know music: one client each, with typed answers."""

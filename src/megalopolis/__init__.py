"""Megalopolis."""

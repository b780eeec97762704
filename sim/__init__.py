"""Tokenfleet."""

"""The version of Tokenfleet, in one place."""

__version__ = "0.1.0"

"""The command `tokenfleet`: parse, call, print. One file per group of verbs; start at `main`."""

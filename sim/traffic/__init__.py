"""Traffic: what users send and when, drawn from laws or read from traces, in numpy arrays."""

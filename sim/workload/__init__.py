"""Workload: recorded or generated requests, measured, fitted and held against each other."""

"""The report: what a run found, as a screen, tables, figures, files and one HTML page.

Reads the summary of a run, its time series and its attempts; never simulates. Knows no clock.
"""

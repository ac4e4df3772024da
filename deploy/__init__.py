"""Putting it together: configuration, command line, processes, telemetry."""

VERSION = "0.1.0"                         # a test compares it with pyproject.toml

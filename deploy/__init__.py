"""Putting it together: configuration, command line, processes, telemetry."""

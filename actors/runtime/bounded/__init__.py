"""Processes that the kernel bounds, for work on strangers' bytes: process.py asks, worker.py is asked. threads.py: work
that only blocks."""

"""What S3 does at the edge of HTTP, and no other service: `door.py` is what the path of a request knows of it."""

"""Items as files: what an export writes and an import reads. No requests, no store, no S3."""

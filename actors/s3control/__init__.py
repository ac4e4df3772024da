"""S3 Control: what is set of S3 for a whole account."""

"""What S3 is made of and would make sense without it."""

"""S3 Select without S3: its SQL, records of CSV, JSON and Parquet, and the process that runs a query (worker.py)."""

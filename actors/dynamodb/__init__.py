"""Amazon DynamoDB: tables, items, indexes, queries. Start at service.py; README.md says what is covered."""

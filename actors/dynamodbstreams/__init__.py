"""DynamoDB Streams: reading what DynamoDB keeps of its tables' changes."""

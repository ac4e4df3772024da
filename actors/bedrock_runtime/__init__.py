"""Amazon Bedrock, the runtime: models that answer."""

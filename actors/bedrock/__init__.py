"""Amazon Bedrock, the control plane: models, guardrails, jobs."""

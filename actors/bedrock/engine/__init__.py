"""What guardrails find in texts. Knows no request: policies in, findings out."""

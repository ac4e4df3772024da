"""What things are: AWS's service models, the envelope and its errors. Pure data, no network."""

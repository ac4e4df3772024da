"""What every service actor stands on: decorators, context, chain, store."""

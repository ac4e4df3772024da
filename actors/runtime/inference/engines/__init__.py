"""What runs a model: one module per engine, all behind engine.py's protocol."""

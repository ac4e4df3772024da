"""How requests travel: subjects, msgpack envelopes, NATS."""

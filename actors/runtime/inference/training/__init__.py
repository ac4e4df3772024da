"""Adapters (LoRA) are trained here: over a GGUF model, in a process of its own, by JAX. Needs the extra `train`."""

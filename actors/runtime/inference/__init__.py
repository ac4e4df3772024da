"""Models: what they are asked and answer, the engines that run them, and the hosts those live in."""

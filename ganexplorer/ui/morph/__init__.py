"""Key frames, the way through them, and films of it."""

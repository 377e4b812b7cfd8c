"""Training from the window."""

"""Named directions."""

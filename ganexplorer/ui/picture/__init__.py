"""The picture, the tool in hand on it, and two of them compared."""

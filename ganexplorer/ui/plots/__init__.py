"""The curves of a run: numbers, charts, and how they are saved."""

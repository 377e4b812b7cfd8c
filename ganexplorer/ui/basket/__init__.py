"""Sums and averages of latents."""

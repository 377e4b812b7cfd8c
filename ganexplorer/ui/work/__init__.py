"""Threads, and what they find and make for the views."""

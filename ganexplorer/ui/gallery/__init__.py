"""Samples in a grid."""

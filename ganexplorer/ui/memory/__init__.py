"""The history as a tree, and the bookmarks."""

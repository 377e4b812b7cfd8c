"""What a person edits: the document, undo, the history."""

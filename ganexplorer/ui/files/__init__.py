"""Opening, importing, saving; the list of models."""

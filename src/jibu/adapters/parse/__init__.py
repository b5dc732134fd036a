"""File formats, read in a separate process."""

"""PDF: from glyphs on a page to text in reading order."""

"""Segmentation and language detection."""

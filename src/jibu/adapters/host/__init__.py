"""The machine that this block runs on."""

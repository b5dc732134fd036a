"""The parts of the embedded index: immutable segment files under one manifest."""

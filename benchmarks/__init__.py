"""Measurements of speed and memory; their results stand in docs/benchmarks."""

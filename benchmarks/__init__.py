"""Benchmarks for the figures in the README; run them from the root of a checkout."""

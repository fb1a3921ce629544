"""Tests of detectors of ordered rows."""

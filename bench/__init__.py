"""Benchmarks: what the service costs, each figure beside a reference measured in the same run."""

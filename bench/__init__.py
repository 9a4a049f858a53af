"""Benchmarks: each module measures one promise and returns figures."""

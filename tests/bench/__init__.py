"""Benchmark against Debian's ``docker-registry``: ``python -m tests.bench`` (``make bench``)."""

"""What IRIS reaches, measured: one command each, from the repository's root (``python -m benchmarks.questions``)."""

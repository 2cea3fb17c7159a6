"""IRIS's core: from a question to a reviewed, sourced reply. Knows no platform."""

"""The platforms that IRIS speaks on: event in, Reply out; each folder knows one platform and nothing else does."""

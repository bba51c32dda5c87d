"""The demo: a synthetic city and the tours through it. Nothing here is used with real providers."""

"""One file per provider or back office, found by its name (``gateway.plugins.load``)."""

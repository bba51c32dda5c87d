"""Self-service transactions: one engine, one definition per type, three faces."""

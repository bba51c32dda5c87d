"""Who may call us: services with their API keys, operators with their passwords."""

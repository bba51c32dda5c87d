"""Templates and how their words become a message."""

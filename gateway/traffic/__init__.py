"""How much may go to whom just now: how each provider fares, what it may be given, shared by all workers."""

"""What the product keeps of its promises while it is hurt: its real processes, a seeded plan of faults."""

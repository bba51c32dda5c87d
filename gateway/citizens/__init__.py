"""The gateway's own register of citizens: encrypted, found by blind index."""

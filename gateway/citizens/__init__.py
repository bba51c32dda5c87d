"""The gateway's own register of citizens, encrypted and found by blind index: passwords, mandates, holds."""

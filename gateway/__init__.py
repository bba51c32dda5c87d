"""回音 Huiyin: outbound notifications and self-service transactions for public hotlines.

request (phone · web · API) → transaction → notification → delivery → receipt.
The folders are that line; ARCHITECTURE.md is the map.
"""

__version__ = "0.1.0"  # setup.cfg reads it from here; nothing need be installed to know it

"""回音 Huiyin: outbound notifications and self-service transactions for public hotlines.

request (phone · web · API) → transaction → notification → delivery → receipt.
The folders are that line; ARCHITECTURE.md is the map.
"""

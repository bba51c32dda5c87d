"""Pension eligibility authentication: how somebody stands, what helps them, when they are reminded."""

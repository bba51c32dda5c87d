"""Telling services: composing, signing and posting what ``gateway.services.webhooks`` holds."""

"""Celery carries wake-ups; the work is claimed from the database."""

"""Processes and their wiring: the one composition root."""

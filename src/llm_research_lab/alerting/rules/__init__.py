"""Prometheus rules: read from files, and each alert stepped through its states."""

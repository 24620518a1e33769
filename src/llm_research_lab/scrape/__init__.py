"""Samples come in: by scraping targets as Prometheus does, and by remote write."""

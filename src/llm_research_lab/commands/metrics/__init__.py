"""Metrics: asking the store by expression, within limits of time and size."""

"""Prometheus's HTTP API over our own store: the same addresses, parameters, shapes and errors."""

"""Alerting: rules say what is wrong, notifying says who hears of it."""

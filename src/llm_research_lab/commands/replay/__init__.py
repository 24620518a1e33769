"""Replay: what rules, routes and a roster would have done over a history."""

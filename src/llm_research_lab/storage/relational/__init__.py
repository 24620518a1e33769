"""The relational store: one writer that groups commits, many readers."""

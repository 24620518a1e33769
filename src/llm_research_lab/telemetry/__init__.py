"""The lab's own instruments."""

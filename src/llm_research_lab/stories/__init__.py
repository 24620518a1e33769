"""Use cases that cross domains: each introduces domains to each other, and decides nothing."""

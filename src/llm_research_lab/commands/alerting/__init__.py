"""The live shell around notifying and on-call: what fires is routed, decided, recorded and told."""

"""Every use of the lab, once, shared by every door: load, decide, commit, answer."""

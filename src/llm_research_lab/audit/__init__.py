"""What an audit entry says, in the spec's words."""

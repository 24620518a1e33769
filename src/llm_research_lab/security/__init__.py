"""Who may do what: roles, actions, keys."""

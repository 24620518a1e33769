"""Plain values that a person wrote, with the place of each: YAML and JSON in, findings out."""

"""One experiment, from rows to scores: datasets, prompts, models, evaluators, statistics."""

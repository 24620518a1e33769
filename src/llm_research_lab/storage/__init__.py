"""What stays when the process ends: the data directory, the database, the objects."""

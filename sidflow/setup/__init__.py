"""From files to a configuration, and a look at what it would do."""

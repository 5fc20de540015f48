"""Questions about releases: why an item has its SID, what changed between two."""

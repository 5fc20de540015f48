"""What the store keeps: rollback, garbage collection, forgetting a user."""

"""What client libraries make of each fault of the simulator, played for real: docs/clients.md and its data."""

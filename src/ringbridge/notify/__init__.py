"""What the world is told of calls besides the API: metrics."""

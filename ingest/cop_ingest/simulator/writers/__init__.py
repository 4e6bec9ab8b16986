"""Writers: bytes exactly as a source publishes them. Each takes the world and the time of publication."""

"""What departments without a feed report of the simulated day, each in a form of its own."""

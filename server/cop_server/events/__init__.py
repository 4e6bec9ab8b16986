"""Events: every change pushed to everyone who may see it. One listener a process, one reader a visible set."""

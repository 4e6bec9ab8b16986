"""The fast road: thin routes between HTTP and the providers."""

"""The composition root: the ASGI application and the command `cop`."""

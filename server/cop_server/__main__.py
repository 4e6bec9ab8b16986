"""`python -m cop_server` is the command `cop`."""

from cop_server.cli import main

main()

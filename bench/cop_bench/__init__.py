"""The measurement: COP against stock pygeoapi on the same database, in one run, told as ratios."""

"""The departments' inbox: their forms become our records by a mapping, and nobody types twice."""

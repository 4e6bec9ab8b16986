"""What the process that the suites' servers are forked from does beside importing: it reads the clone's catalogue.

Reading 107 files and importing what MapProxy loads late is half of a server's start.
"""

from __future__ import annotations

import gc

from cop.catalogue import catalogue
from cop.settings import get_settings

catalogue()
get_settings.cache_clear()  # those of the server are its own
# A server walks through all its objects once as it starts: not through these, which are shared with the others.
gc.collect()
gc.freeze()

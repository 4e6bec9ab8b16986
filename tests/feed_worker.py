"""A worker of the tests in a process of its own: `python -m feed_worker <owner's address> <source's address> <feed's JSON> …`."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

from cop_ingest.feeds.declared import Feed
from cop_ingest.feeds.fetch import Fetcher, Manners
from cop_ingest.feeds.turn import Workshop
from cop_ingest.feeds.worker import Work, holder_name, pool_of, run_worker


class QuickClock:
    """Ours, with cadences twenty times as quick."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def speed(self) -> float:
        return 20.0


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    owner_dsn, base, *declared = sys.argv[1:]
    feeds = {feed.id: feed for feed in map(Feed.model_validate_json, declared)}
    fetcher = Fetcher("tests", base, Manners(silence=60, whole=60))
    with pool_of(owner_dsn) as pool:
        shop = Workshop(pool, fetcher, QuickClock(), "actual", holder_name())
        run_worker(Work(owner_dsn, feeds, shop, 14))
        shop.readers.close()
        fetcher.close()


if __name__ == "__main__":
    main()

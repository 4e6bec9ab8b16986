"""The table of feeds for docs/feeds.md, made from their files so that it tells what is really asked."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from cop_ingest.feeds.declared import Feed
from cop_ingest.feeds.health import span

_COLUMNS = (
    "feed", "title", "department", "address", "every", "late, stale after", "into", "no record means", "mark",
    "licence", "attribution",
)  # fmt: skip
_LICENCES = {"DG": "DATA.GOV.HK terms", "CSDI": "CSDI Portal terms", "GEO": "GEO Open Data terms"}


def markdown(feeds: Mapping[str, Feed]) -> str:
    """A row a feed, in the order of their ids."""
    rows = [_COLUMNS, ("---",) * len(_COLUMNS), *map(_row, feeds.values())]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _row(feed: Feed) -> tuple[str, ...]:
    first = urlsplit(next(iter(feed.parts.values())).url)
    more = f" and {len(feed.parts) - 1} more" if len(feed.parts) > 1 else ""
    return (
        f"`{feed.id}`", f"{feed.title.en} {feed.title.zh}", feed.department,
        f"`{first.hostname}{first.path}`{more}", span(feed.cadence_s),
        f"{span(feed.late_s)}, {span(feed.stale_s)}", f"`{feed.target.layer}`", feed.empty, feed.address,
        _LICENCES.get(feed.licence, feed.licence), feed.attribution.en,
    )  # fmt: skip

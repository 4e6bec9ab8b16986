"""Parsers of feeds: pure functions from a payload to a reading, without clock, network or store."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from cop_ingest.feeds.declared import Declarative, Feed
from cop_ingest.feeds.parse.declarative import Declaration, parse_declared
from cop_ingest.feeds.payload import Parser, Payload

__all__ = ["led_by", "parser_of"]


def parser_of(feed: Feed) -> Parser:
    """The parser that a feed's file names, or the one that it declares.

    Raises ImportError or AttributeError where there is none of that name, and pydantic's ValidationError where a
    declaration is wrong.
    """
    if isinstance(feed.parser, Declarative):
        declaration = Declaration.model_validate(feed.parser.model_dump())
        return partial(parse_declared, declaration, feed.target.layer)
    module, _, name = feed.parser.partition(":")
    parser: Parser = getattr(import_module(module), name)
    return parser


def led_by(feed: Feed, payload: Payload) -> dict[str, str]:
    """The addresses that an answer leads to, by the names of their parts; none where the feed's file names no `follow`.

    Raises what the named function raises, and ImportError or AttributeError where there is none of that name.
    """
    if feed.follow is None:
        return {}
    module, _, name = feed.follow.partition(":")
    return dict(getattr(import_module(module), name)(payload))

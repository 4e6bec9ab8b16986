"""What stands between a request and its answer: forms and languages, the cache, content codings, visible sets."""

from __future__ import annotations

import gzip
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.datastructures import Headers, QueryParams

from cop.catalogue import catalogue
from cop.errors import NotAcceptable, Refused
from cop.visible import VisibleSet
from cop_server.cache import Answer, AnswerCache, coding, compressed
from cop_server.negotiate import form, language, single

FORMS = ("json", "html", "jsonld")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "json"),
        ("", "json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "html"),
        ("application/geo+json", "json"),
        ("application/json;q=0.2, text/html;q=0.9", "html"),
        ("image/png, */*;q=0.1", "json"),
        ("text/html;q=0, application/json", "json"),
        ("application/ld+json", "jsonld"),
    ],
)
def test_the_form_follows_accept(accept: str, expected: str) -> None:
    headers = Headers({"accept": accept} if accept else {})
    assert form({}, headers, FORMS) == expected


def test_f_goes_before_accept_and_unknown_ones_are_refused() -> None:
    assert form({"f": "html"}, Headers({"accept": "application/json"}), FORMS) == "html"
    assert form({"f": "pbf"}, Headers({}), ("mvt",)) == "mvt"
    with pytest.raises(Refused, match="'xml' is none of"):
        form({"f": "xml"}, Headers({}), FORMS)
    with pytest.raises(NotAcceptable):
        form({}, Headers({"accept": "image/png"}), FORMS)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("zh-HK,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB", "en"),
        ("fr,zh;q=0.1", "zh"),
        ("fr", "en"),
        ("", "en"),
        ("zh-Hant", "zh"),
    ],
)
def test_the_language_follows_accept_language(header: str, expected: str) -> None:
    assert language({}, Headers({"accept-language": header})) == expected


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(Refused, match="given twice"):
        single(QueryParams("limit=1&limit=2"))


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("gzip, deflate, br", "gzip"),
        ("identity", "identity"),
        ("gzip;q=0", "identity"),
        ("*", "gzip"),
        ("", "identity"),
    ],
)
def test_content_codings(accepted: str, expected: str) -> None:
    assert coding(accepted) == expected
    assert coding(accepted, 10) == "identity", "small bodies gain nothing"


def test_compression_is_the_same_each_time() -> None:
    body = b"x" * 5000
    assert compressed(body) == compressed(body)
    assert gzip.decompress(compressed(body)) == body


def answer(size: int) -> Answer:
    return Answer(b"x" * size, {})


def test_the_cache_keeps_what_was_used_last_within_its_size() -> None:
    cache = AnswerCache(1000)
    made: list[str] = []

    def ask(key: str) -> None:
        cache.get(key, lambda: made.append(key) or answer(100))  # type: ignore[func-returns-value]

    for key in "abcdefghij":
        ask(key)
    ask("a")
    ask("k")  # too much now: b was used least recently
    made.clear()
    ask("a")
    ask("b")
    assert made == ["b"]


def test_an_answer_too_large_for_the_cache_is_not_kept() -> None:
    cache = AnswerCache(1000)
    for _ in range(2):
        assert len(cache.get("big", lambda: answer(500)).body) == 500
    assert cache.get("big", lambda: answer(1)).body == b"x"


def test_however_many_ask_at_once_it_is_made_once() -> None:
    cache = AnswerCache(10_000)
    made = []

    def make() -> Answer:
        made.append(threading.get_ident())
        time.sleep(0.1)
        return answer(10)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: cache.get("key", make), range(8)))
    assert len(made) == 1
    assert len({id(one) for one in found}) == 1


def test_an_error_goes_to_all_who_wait_and_is_not_kept() -> None:
    cache = AnswerCache(10_000)
    with pytest.raises(ValueError, match="no"):
        cache.get("key", _fail)
    assert cache.get("key", lambda: answer(1)).body == b"x"


def _fail() -> Answer:
    raise ValueError("no")


def test_a_visible_set_reads_one_mode() -> None:
    incidents, districts = catalogue().layers["incidents"], catalogue().layers["districts"]
    exercise = VisibleSet(mode="exercise")
    assert exercise.classes_of(incidents) == ("exercise:public",)
    assert exercise.classes_of(districts) == ("public",)
    assert not set(VisibleSet(mode="actual").classes_of(incidents)) & set(exercise.classes)

"""How much each audience may ask for: requests in a time, open streams, seconds of the store, records, bytes."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Audience = Literal["public", "press", "partner", "departments", "emsc"]
Bucket = Literal["reads", "tiles", "writes", "exports"]
BUCKETS: tuple[Bucket, ...] = get_args(Bucket)
_SECONDS = {"second": 1, "minute": 60, "hour": 3600}


def _rate(text: str) -> str:
    number, _, unit = text.partition("/")
    if not (number.isascii() and number.isdecimal() and int(number) > 0 and unit in _SECONDS):
        raise ValueError(f"found {text!r}, wanted a number, a slash and second, minute or hour, such as 600/minute")
    return text


Rate = Annotated[str, AfterValidator(_rate)]


class Allowance(BaseModel):
    """What one of an audience may do: the public counted by address, those who are known by who they are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reads: Rate
    tiles: Rate
    writes: Rate
    exports: Rate
    streams: Annotated[int, Field(ge=1)]
    """Streams of events that are open at a time."""
    statement_ms: Annotated[int, Field(ge=10)]
    """Longest database statement; COP_STATEMENT_TIMEOUT_MS, where that is less."""
    rows: Annotated[int, Field(ge=1, le=10_000)]
    """Most features of a page."""
    changes: Annotated[int, Field(ge=1, le=100_000)]
    """Most changes of a page of a delta."""
    body_mb: Annotated[float, Field(gt=0, le=100)]
    """Largest body of a request; COP_BODY_MB, where that is less."""


_OUTSIDE: dict[str, Any] = {
    "reads": "1800/minute", "tiles": "9000/minute", "writes": "60/minute", "exports": "120/minute",
    "streams": 20, "statement_ms": 8000, "rows": 10_000, "changes": 100_000, "body_mb": 0.2,
}  # fmt: skip
_INSIDE: dict[str, Any] = {
    "reads": "6000/minute", "tiles": "18000/minute", "writes": "1200/minute", "exports": "600/minute",
    "streams": 100, "statement_ms": 15_000, "rows": 10_000, "changes": 100_000, "body_mb": 100,
}  # fmt: skip
_DEFAULTS: dict[str, dict[str, Any]] = {
    "public": _OUTSIDE,
    "press": _OUTSIDE,
    "partner": _OUTSIDE | {"body_mb": 1},
    "departments": _INSIDE,
    "emsc": _INSIDE,
}


class Limits(BaseModel):
    """The allowance of each audience; what a deployment does not name stays as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public: Allowance
    press: Allowance
    partner: Allowance
    departments: Allowance
    emsc: Allowance

    @model_validator(mode="before")
    @classmethod
    def _over_the_defaults(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not all(isinstance(one, dict | Allowance) for one in given.values()):
            return given
        return {**_DEFAULTS, **given} | {
            name: _DEFAULTS.get(name, {}) | one for name, one in given.items() if isinstance(one, dict)
        }

    def of(self, audience: Audience) -> Allowance:
        """The allowance of an audience."""
        allowance: Allowance = getattr(self, audience)
        return allowance


def per_window(rate: str) -> tuple[int, int]:
    """A rate as the number of requests and the seconds in which they may come."""
    number, _, unit = rate.partition("/")
    return int(number), _SECONDS[unit]

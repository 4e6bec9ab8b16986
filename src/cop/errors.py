"""Every error that COP raises on purpose; the message is a sentence that a person can act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class CopError(Exception):
    """Something that COP can explain."""


class BrokenCatalogue(CopError):
    """A layer file is wrong; each fault names file, key, what was found and what was wanted."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(self.faults))


class Refused(CopError):
    """A request that cannot be answered as it stands: which parameter, what was wrong, what would be right."""

    status = 400

    def __init__(self, detail: str, parameter: str | None = None, example: str | None = None) -> None:
        self.detail = detail
        self.parameter = parameter
        self.example = example
        super().__init__(detail)


class NotFound(Refused):
    """The address names something that is not here."""

    status = 404


class Withdrawn(NotFound):
    """The feature was here, for all to see who see its history, and was withdrawn."""

    status = 410


class Gone(Refused):
    """The answer was here once, and is kept no longer."""

    status = 410


class NotRecognised(Refused):
    """Credentials came with the request and are not good; without any it would be answered for the public."""

    status = 401


class NotPermitted(Refused):
    """Who asks may see the thing and may not do this to it."""

    status = 403


class Conflict(Refused):
    """Another record stands in the way."""

    status = 409


class ChangedMeanwhile(Refused):
    """The record is no longer the one that the writer has read."""

    status = 412


class TooLarge(Refused):
    """The body is larger than a request may be."""

    status = 413


class WrongMedia(Refused):
    """The body has a media type that is not read here."""

    status = 415


class VersionWanted(Refused):
    """The write must say which version of the record it changes."""

    status = 428


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a body: a JSON pointer to it, what was found, why not, and what would be right."""

    pointer: str
    value: object
    reason: str
    example: object = None


class Invalid(Refused):
    """The body can be read, and does not fit the layer; every fault is told."""

    status = 422

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        more = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
        super().__init__(f"{self.faults[0].pointer or 'the body'}: {self.faults[0].reason}{more}")


class NotAcceptable(Refused):
    """None of the media types asked for can be had."""

    status = 406


class StoreTrouble(CopError):
    """The store cannot answer now; the cause is in the log, not in the answer."""

    status = 503

    def __init__(self, detail: str = "The store does not answer at the moment; please try again.") -> None:
        self.detail = detail
        super().__init__(detail)


class ConnectionLost(StoreTrouble):
    """A connection to the store broke in use; asked once more over another one, the question may be answered."""


class TooSlow(StoreTrouble):
    """The question took longer than a request may; a smaller one can be answered."""

    def __init__(self) -> None:
        super().__init__("The question took too long; ask for a smaller area, fewer features or fewer conditions.")


class LoadRefused(CopError):
    """A file or feed could not be loaded; the old records stay."""


class SetupTrouble(CopError):
    """The machine or the installation lacks something; the message says what to do."""

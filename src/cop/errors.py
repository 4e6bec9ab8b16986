"""Every error that COP raises on purpose; the message is a sentence that a person can act on."""

from __future__ import annotations

from collections.abc import Sequence


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


class Gone(Refused):
    """The answer was here once, and is kept no longer."""

    status = 410


class NotRecognised(Refused):
    """Credentials came with the request and are not good; without any it would be answered for the public."""

    status = 401


class Forbidden(Refused):
    """Whoever asks is not allowed to do this."""

    status = 403


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

"""Settings: environment variables that begin with COP_, each with a default that runs on a fresh clone."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cop.resources import clone_folder

Mode = Literal["actual", "exercise", "test"]


def _default_var() -> Path:
    clone = clone_folder()
    return (clone or Path.cwd()) / "var"


def _default_data() -> Path | None:
    clone = clone_folder()
    if clone is None:
        return None
    beside = clone.parent / "shared" / "data"
    return beside if beside.is_dir() else None


class Settings(BaseSettings):
    """Everything that a deployment may set; docs/settings.md lists the same names."""

    model_config = SettingsConfigDict(env_prefix="COP_", frozen=True, env_ignore_empty=True)

    database_url: SecretStr = Field(
        SecretStr(""),
        description="DSN of the owner role (migrations, layers, loads); empty: the private cluster",
    )
    app_database_url: SecretStr = Field(
        SecretStr(""), description="DSN of the app role that serves requests; empty: the private cluster"
    )
    var: Path = Field(default_factory=_default_var, description="Folder of this installation's state")
    data: Path | None = Field(
        default_factory=_default_data,
        description="Folder of the reference data; the word none: the exercise stand-ins",
    )
    layers: Path | None = Field(None, description="Folder of layer files; none: those that cop was shipped with")
    url: str = Field("http://127.0.0.1:8000", description="Public address of the server, used in every link")
    host: str = Field("127.0.0.1", description="Address that the server listens on")
    port: int = Field(8000, description="Port that the server listens on", ge=1, le=65535)
    workers: int = Field(2, description="Server processes", ge=1, le=64)
    mode: Mode = Field("exercise", description="Mode of a request that names none: actual, exercise or test")
    pool_size: int = Field(8, description="Database connections of one server process", ge=1, le=100)
    write_pool_size: int = Field(4, description="Database connections for writes of one server process", ge=1, le=50)
    body_mb: int = Field(4, description="Largest body of a request (MB)", ge=1, le=100)
    pool_check: bool = Field(False, description="Test a connection each time before it is used (for unsteady networks)")
    statement_timeout_ms: int = Field(15000, description="Longest database statement of a request", ge=100)
    events_heartbeat_s: float = Field(15.0, description="Longest silence of a stream of events", gt=0, le=300)
    events_queue_kb: int = Field(1000, description="What waits for a slow client of events before it is dropped", ge=1)
    cache_mb: int = Field(64, description="Answers kept in memory by one server process", ge=0)
    cors_origins: list[str] = Field(["*"], description="Origins whose pages may read the API (JSON list)")
    oidc_issuer: str = Field(
        "", description="Issuer of OIDC tokens, as in their claim iss; empty: tokens are not taken"
    )
    oidc_audience: str = Field("cop", description="What a token's claim aud must name")
    oidc_jwks_url: str = Field("", description="Address of the issuer's keys; empty: the one that its discovery names")
    oidc_algorithms: list[str] = Field(["RS256", "ES256"], description="Signature algorithms taken (JSON list)")
    oidc_role_claim: str = Field("cop_role", description="Claim that holds the role")
    oidc_department_claim: str = Field("cop_department", description="Claim that holds the department")
    session_hours: float = Field(
        12.0,
        description="How long a session of the page lasts, in hours; one begun with a token ends with it",
        gt=0,
        le=720,
    )
    exercise_entry: bool = Field(
        True,
        description="Where COP_MODE is exercise: anybody may enter the exercise as any role of any department",
    )
    exercise_seed: int = Field(1, description="Seed of the exercise territory and its typhoon day", ge=0)
    exercise_scale: float = Field(
        1.0,
        description="Share of the exercise territory's many features (slopes, buildings, past incidents)",
        gt=0,
        le=1,
    )
    basemaps: Literal["embedded", "live"] = Field(
        "embedded", description="Basemaps: our own (embedded), or also those of the providers on the Internet (live)"
    )
    landsd_url: str = Field(
        "https://mapapi.geodata.gov.hk/gs/api/v1.0.0/xyz",
        description="Base address of the Lands Department's map tiles, or of a mirror",
        pattern=r"^https?://\S+[^/\s]$",
    )
    osm_url: str = Field(
        "https://tile.openstreetmap.org",
        description="Base address of OpenStreetMap's tiles, or of a mirror",
        pattern=r"^https?://\S+[^/\s]$",
    )
    contact: str = Field(
        "", description="Address that providers of tiles may write to; empty: COP_URL", pattern=r"^[\x20-\x7e]*$"
    )
    published_mirrors: dict[str, str] = Field(
        {}, description="Hosts of published originals and the address asked instead of each (JSON object)"
    )
    history_days: float | None = Field(
        None, description="Days that versions are kept after they were closed; empty: for ever", gt=0
    )
    blobs: Path | None = Field(None, description="Folder of content-addressed blobs; none: blobs in COP_VAR")

    inbox: Path | None = Field(
        None, description="Folder in which departments leave their files; none: inbox in COP_VAR"
    )

    @model_validator(mode="before")
    @classmethod
    def _address_follows_the_port(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Links of a server on another port lead to it, also where nobody has told its address."""
        if "port" in values and "url" not in values:
            return {**values, "url": f"http://127.0.0.1:{values['port']}"}
        return values

    @field_validator("data", mode="before")
    @classmethod
    def _data_or_none(cls, value: object) -> object:
        """The word `none` asks for the stand-ins even where a data folder lies beside the clone."""
        return None if value == "none" else value

    @field_validator("oidc_algorithms")
    @classmethod
    def _only_signatures_of_key_pairs(cls, value: list[str]) -> list[str]:
        """`none` is no signature, and a shared secret would make every verifier an issuer."""
        if wrong := [name for name in value if not name.startswith(("RS", "PS", "ES", "EdDSA"))]:
            raise ValueError(f"{', '.join(wrong)}: wanted algorithms of key pairs, such as RS256 or ES256")
        return value

    @property
    def blob_folder(self) -> Path:
        """Where rasters and other blobs are kept."""
        return self.blobs or self.var / "blobs"

    @property
    def inbox_folder(self) -> Path:
        """Where departments leave their files."""
        return self.inbox or self.var / "inbox"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once at the first use."""
    return Settings()

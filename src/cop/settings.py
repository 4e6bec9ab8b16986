"""Settings: environment variables that begin with COP_, each with a default that runs on a fresh clone."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cop.limits import Limits
from cop.resources import clone_folder

Mode = Literal["actual", "exercise", "test"]
Network = IPv4Network | IPv6Network


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
    delivery: bool = Field(True, description="Whether these processes deliver to webhooks and to the MQTT broker")
    delivery_lease_s: float = Field(
        30.0, description="How long a process keeps a subscription to itself without a sign of life", ge=1, le=600
    )
    delivery_timeout_s: float = Field(10.0, description="Longest wait for the answer to one delivery", gt=0, le=60)
    delivery_retry_s: float = Field(1.0, description="Wait after a first failed delivery; it doubles", gt=0, le=60)
    delivery_retry_max_s: float = Field(120.0, description="Longest wait between two attempts", gt=0, le=3600)
    delivery_attempts: int = Field(
        8, description="Attempts at an event that the target refuses, before it is a dead letter", ge=1, le=1000
    )
    delivery_event_hours: float = Field(
        24.0,
        description="Hours for which one event may fail at a target that answers, before it is a dead letter",
        gt=0,
    )
    delivery_give_up_hours: float = Field(
        72.0, description="Hours without any success after which a webhook's subscription is given up", gt=0
    )
    webhook_http_hosts: list[str] = Field(
        [], description="Hosts that webhooks may reach by http instead of https (JSON list)"
    )
    webhook_allow: list[str] = Field(
        [], description="Networks whose addresses webhooks may reach although they are not public (JSON list)"
    )
    mqtt_url: SecretStr = Field(
        SecretStr(""), description="MQTT 5 broker, mqtt[s]://user:password@host:port; empty: nothing is published"
    )
    mqtt_publish: list[str] = Field(
        ["public"],
        description="What is published: audiences as [mode:]audience[/department]; without a mode that of COP_MODE",
    )
    mqtt_expiry_s: int = Field(
        604800, description="Seconds for which the broker keeps a message for clients that are away", ge=1
    )
    cache_mb: int = Field(64, description="Answers kept in memory by one server process", ge=0)
    cors_origins: list[str] = Field(["*"], description="Origins whose pages may read the API (JSON list)")
    rate_limits: bool = Field(True, description="Whether requests and streams of a client are counted and limited")
    limits: Limits = Field(
        default_factory=lambda: Limits.model_validate({}), description="What each audience may ask for (JSON object)"
    )
    events_streams: int = Field(5000, description="Open streams of events of one server process", ge=1)
    trusted_proxies: list[Network] = Field(
        [], description="Networks of proxies whose word on a client is taken (JSON list)"
    )
    proxy_headers: Literal["x-forwarded", "forwarded"] = Field(
        "x-forwarded", description="The headers that trusted proxies write: X-Forwarded-For and its like, or Forwarded"
    )
    metrics_from: list[Network] = Field(
        [IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")],
        description="Networks that may read /metrics (JSON list)",
    )
    log: Literal["text", "json"] = Field(
        "text", description="text: warnings and faults for a person; json: lines, with one for each request"
    )
    url_kb: int = Field(16, description="Longest address of a request (kB)", ge=1, le=64)
    header_kb: int = Field(64, description="Address and headers of a request, together at most (kB)", ge=4, le=1024)
    header_s: float = Field(10.0, description="How long a client may take to send its headers", gt=0)
    stalled_s: float = Field(60.0, description="How long a client may take nothing of its answer", gt=0)
    half_open: int = Field(1000, description="Connections of one server process that have asked nothing yet", ge=1)
    unread_mb: int = Field(256, description="What may wait for clients that do not read, in one process (MB)", ge=1)
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
    exercise_speed: float = Field(
        1.0, description="Seconds of the exercise's day in one of ours, where cop run plays it", ge=0, le=600
    )
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
    feeds: Literal["off", "live", "simulator"] = Field(
        "simulator",
        description="Real-time feeds: off, live (the published addresses), or simulator (exercise records);"
        " where COP_MODE is not exercise: off",
    )
    feeds_url: str = Field(
        "",
        description="Base address of a simulator or mirror that is asked instead of the feeds' hosts;"
        " empty, with simulator: cop run starts one",
        pattern=r"^(https?://\S+[^/\s])?$",
    )
    raw_days: float = Field(14.0, description="Days that payloads, turns and files of the inbox are kept", gt=0)
    history_days: float | None = Field(
        None, description="Days that versions are kept after they were closed; empty: for ever", gt=0
    )
    series_days: float | None = Field(
        None, description="Days that single observations are kept; then means by the hour; empty: for ever", ge=1
    )
    audit_days: float | None = Field(None, description="Days that the audit of reads is kept; empty: for ever", gt=0)
    blobs: Path | None = Field(None, description="Folder of content-addressed blobs; none: blobs in COP_VAR")

    inbox: Path | None = Field(
        None, description="Folder in which departments leave their files; none: inbox in COP_VAR"
    )
    inbox_mqtt: bool = Field(False, description="Whether departments' returns are taken from the MQTT broker")
    inbox_topic: str = Field(
        "cop/inbox",
        description="Topic above the forms: returns are published to <topic>/<form>",
        pattern=r"^[^\s+#$/\x00][^\s+#\x00]{0,98}[^\s+#/\x00]$",
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

    @model_validator(mode="before")
    @classmethod
    def _only_an_exercise_is_played(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The simulator is the default of an exercise; elsewhere nobody is to find invented records unasked."""
        if "feeds" not in values and values.get("mode", "exercise") != "exercise":
            return {**values, "feeds": "off"}
        return values

    @model_validator(mode="after")
    def _simulator_has_an_address(self) -> Self:
        if self.feeds == "simulator" and not self.feeds_url and self.mode != "exercise":
            raise ValueError("COP_FEEDS=simulator wants COP_FEEDS_URL where COP_MODE is not exercise")
        return self

    @model_validator(mode="after")
    def _an_inbox_has_a_broker(self) -> Self:
        if self.inbox_mqtt and not self.mqtt_url.get_secret_value():
            raise ValueError("COP_INBOX_MQTT wants COP_MQTT_URL, the broker's address")
        return self

    @field_validator("oidc_algorithms")
    @classmethod
    def _only_signatures_of_key_pairs(cls, value: list[str]) -> list[str]:
        """`none` is no signature, and a shared secret would make every verifier an issuer."""
        if wrong := [name for name in value if not name.startswith(("RS", "PS", "ES", "EdDSA"))]:
            raise ValueError(f"{', '.join(wrong)}: wanted algorithms of key pairs, such as RS256 or ES256")
        return value

    @field_validator("webhook_allow")
    @classmethod
    def _only_networks(cls, value: list[str]) -> list[str]:
        """Names would be what somebody else's name server makes of them."""
        for text in value:
            ip_network(text)  # raises ValueError that names it
        return value

    @model_validator(mode="after")
    def _a_lease_outlives_a_delivery(self) -> Settings:
        """Else another process would deliver while this one still waits for an answer."""
        if self.delivery_lease_s < 1.5 * self.delivery_timeout_s:
            raise ValueError("delivery_lease_s: wanted at least one and a half times delivery_timeout_s")
        return self

    @property
    def plays(self) -> bool:
        """Whether `cop run` plays the exercise's day with a simulator of its own."""
        return self.feeds == "simulator" and not self.feeds_url

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

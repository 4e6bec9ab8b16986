"""What a layer file may say: frozen, typed, and strict about names it does not know."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from cop.catalogue.alike import Alike
from cop.catalogue.base import Model, Name
from cop.catalogue.derived import Derived
from cop.catalogue.gazetteer import Placed, Places
from cop.catalogue.ticks import Tick
from cop.catalogue.writes import WriteRules

LayerId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,47}$")]
ColumnType = Literal["text", "code", "integer", "number", "boolean", "time", "date", "text[]"]
GeometryType = Literal["Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "Geometry"]
Kind = Literal["reference", "register", "latest", "coverage"]
Group = Literal[
    "incident", "weather", "traffic", "slopes", "drainage", "emergency services", "shelters",
    "transport", "terrain and base", "administration",
]  # fmt: skip
Role = Literal[
    "title", "title_zh", "time", "updated", "mode", "release",
    "says",  # what the source says otherwise than a person has written
    "run", "valid", "valid_to", "version",  # of a model's outcome: when it ran, what it is valid for, which model
]  # fmt: skip
Licence = Literal["DG", "CSDI", "GEO", "ODbL", "PD", "JMA", "exercise"]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]
Zoom = Annotated[float, Field(ge=0, le=24)]

SYSTEM_COLUMNS = frozenset({"id", "geom", "geom_3857", "seq", "seq_to", "seqs", "cls", "cls_now", "provenance"})


class Bilingual(Model):
    """One text in English and Traditional Chinese."""

    en: str
    zh: str


class Column(Model):
    """A typed column; `from` names the source's attribute where it differs."""

    name: Name
    type: ColumnType
    title: Bilingual
    source_name: str | None = Field(default=None, alias="from")
    unit: str | None = None
    role: Role | None = None
    codes: dict[str, Bilingual] | None = None
    codes_from: str | None = None
    tile: bool = False
    queryable: bool = True
    minimum: float | None = None
    maximum: float | None = None
    derived: Derived | None = None
    counted: bool = False  # /summary counts the records by it; times by the hour

    @model_validator(mode="after")
    def _codes_belong_to_codes(self) -> Self:
        if self.counted and not (self.queryable and self.type in ("code", "boolean", "time")):
            raise ValueError("counted is for queryable columns of the types code, boolean and time")
        if (self.type == "code") != bool(self.codes or self.codes_from):
            raise ValueError("codes or codes_from go with type code, and only with it")
        if self.name in SYSTEM_COLUMNS:
            raise ValueError(f"the name {self.name} is the store's own")
        return self


class Published(Model):
    """Where the original stands, for `cop ingest reference --published`.

    `address` is a WFS' base address, or that of a file; `layer` the WFS type's name, or the layer or member of an
    archive. `fields` names the attributes that are called otherwise than in the file at hand: column to attribute, or
    to nothing where the original has none. `verified` says whether address and names were seen, or are taken from
    documentation. `more` are further files that belong to the first (the other language's, say): the reader then gets
    the folder of all. `records`, `x` and `y` are as in Source, where they differ from it.
    """

    kind: Literal["wfs", "file"]
    address: Annotated[str, Field(pattern=r"^https?://")]
    layer: str | None = None
    reader: Name | None = None
    crs: Literal[4326, 2326] = 2326
    fields: dict[Name, str | None] = Field(default_factory=dict)
    verified: bool = False
    more: tuple[Annotated[str, Field(pattern=r"^https?://")], ...] = ()
    records: str | None = None
    x: str | None = None
    y: str | None = None


class Source(Model):
    """Where a layer's records come from; `file` is a path below the data folder (COP_DATA).

    `reader` is one of those that cop_ingest.reference knows. `more` names files beside the first that its reader needs
    too, `layer` the one of several layers inside the file (else the one called as this layer is taken). `extent` (west,
    south, east, north, degrees) is for layers that reach beyond Hong Kong.

    `x` and `y` name a table's coordinate columns, or paths in JSON. For the reader `json`, `records` is the path to the
    list, and `also_x`, `also_y` are a second pair of coordinates, of the other system, that is compared with the first
    (cop_ingest.jsonlist says what a path is). With `unplaced`, records without any coordinates are taken too, and have
    no geometry.
    """

    dataset: str
    cadence: str
    licence: Licence
    attribution: Bilingual
    file: str | None = None
    more: tuple[str, ...] = ()
    layer: str | None = None
    reader: Name | None = None
    crs: Literal[4326, 2326] = 4326
    published: Published | None = None
    records: str | None = None
    x: str | None = None
    y: str | None = None
    also_x: str | None = None
    also_y: str | None = None
    unplaced: bool = False
    point_of: Literal["representative"] | None = None
    extent: tuple[float, float, float, float] | None = None


class Blur(Model):
    """Positions that a profile shows at the middle of their district, unless a column says that they are released.

    `columns` tell of the position too, and are null with it.
    """

    district: Name
    unless: Name
    columns: tuple[Name, ...] = ()


class Profile(Model):
    """What one kind of reader sees of a layer: the columns hidden from it, and where its records lie."""

    hide: tuple[Name, ...] = ()
    blur: Blur | None = None


class StyleClass(Model):
    """How some features differ: those whose value of `style.by` is listed, or lies in at_least <= value < below.

    What is not given is as the style says.
    """

    label: Bilingual
    values: tuple[str | int | bool, ...] = ()
    at_least: float | None = None
    below: float | None = None
    color: Colour | None = None
    outline: Colour | None = None
    width: float | None = None
    radius: float | None = None
    opacity: Annotated[float, Field(ge=0, le=1)] | None = None
    dash: tuple[float, ...] | None = None
    symbol: Name | None = None

    @model_validator(mode="after")
    def _tells_values_or_a_range(self) -> Self:
        if bool(self.values) == (self.at_least is not None or self.below is not None):
            raise ValueError("a class has values, or at_least and below, and not both")
        return self


class Labels(Model):
    """Names beside the features: the columns with the roles title_zh and title, from a zoom on."""

    from_zoom: Zoom = 13
    size: float = 12


class Frame(Model):
    """Which of several times of the same places is drawn, unless a client asks for another."""

    column: Name
    value: str | int


class Style(Model):
    """The layer's paint, from which MapLibre, QGIS and the legend are made.

    Widths and radii are pixels; `outline` is the colour of an area's or point's edge; `symbol` an icon of
    tiles/symbols drawn instead of a circle; `by` the column that `classes` tell apart, first match first.
    """

    color: Colour = "#555555"
    outline: Colour | None = None
    width: float = 1.0
    radius: float = 4.0
    opacity: Annotated[float, Field(ge=0, le=1)] = 1.0
    dash: tuple[float, ...] | None = None
    symbol: Name | None = None
    by: Name | None = None
    classes: tuple[StyleClass, ...] = ()
    labels: Labels | None = None
    frame: Frame | None = None

    @model_validator(mode="after")
    def _classes_have_a_column(self) -> Self:
        if bool(self.by) != bool(self.classes):
            raise ValueError("by and classes go together")
        return self


class Scale(Model):
    """The zooms of 256-pixel Web Mercator tiles between which a client should draw the layer."""

    from_zoom: Zoom = 0
    to_zoom: Zoom = 24

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_zoom >= self.to_zoom:
            raise ValueError("from_zoom must be less than to_zoom")
        return self


class TileRules(Model):
    """Zooms at which the layer has tiles, and which features stay first where a tile must be thinned."""

    minzoom: Annotated[int, Field(ge=0, le=22)] = 0
    maxzoom: Annotated[int, Field(ge=0, le=22)] = 22
    order: tuple[Name, ...] = ()


class Condition(Model):
    """Records that a condition picks out: CQL2 text over the layer's columns. `{now}` is the moment of the count."""

    title: Bilingual
    filter: str


class Tells(Model):
    """Columns by which a layer tells how its feeds are: state, age (s), and of the last attempt what it was like."""

    state: Name
    age: Name
    attempted: Name
    good: Name
    seen: Name
    refused: Name


class Current(Condition):
    """What every summary shows beside its counts: the records that matter now, with some of their columns.

    With `caveat` they are what makes counts doubtful, such as a feed that is down. `tells` names the columns that
    metrics and the header COP-Caveat are made of.
    """

    properties: tuple[Name, ...]
    sortby: str | None = None
    caveat: bool = False
    tells: Tells | None = None


class Summary(Model):
    """How a layer's records are counted: which are left out unless `include` names them, and totals by definition."""

    left_out: dict[Name, Condition] = Field(default_factory=dict)
    totals: dict[Name, Condition] = Field(default_factory=dict)
    current: Current | None = None


class Layer(Model):
    """One published layer, as its file in layers/ declares it.

    `provenance` is that of the layer's own source: `exercise` for what is made up as long as no source is known. A
    stand-in is always an exercise, whatever it stands for. `history_days`: how long versions are kept after they were
    closed, where not as long as COP_HISTORY_DAYS says. `series_days`: how long single observations are, where not as
    long as COP_SERIES_DAYS says; then they are kept by the hour. `places`: how its names place what comes without
    coordinates; `placed`: how its own records are; `alike`: when two of them may tell of one thing. `feeds` names the
    feeds that stand behind the layer, as the layer whose summary tells of them calls them: where one is late, stale or
    down, answers carry COP-Caveat.
    """

    id: LayerId
    title: Bilingual
    description: Bilingual
    department: str
    group: Group
    kind: Kind = "reference"
    geometry: GeometryType | None
    columns: tuple[Column, ...]
    key: tuple[str, ...] | Literal["geometry"] | None = None
    source: Source
    stand_in: str | None = None
    numbered: Annotated[str, Field(pattern=r"^[A-Z]{1,4}$")] | None = None
    profiles: dict[str, Profile] = Field(default_factory=lambda: {"public": Profile()})
    provenance: Literal["real", "exercise"] = "real"
    history_days: Annotated[float, Field(gt=0)] | None = None
    series_days: Annotated[float, Field(ge=1)] | None = None
    scale: Scale = Scale()
    style: Style = Style()
    tile: TileRules = TileRules()
    writes: WriteRules | None = None
    summary: Summary = Summary()
    places: Places | None = None
    placed: Placed | None = None
    alike: Alike | None = None
    ticks: tuple[Tick, ...] = ()
    feeds: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_fit_together(self) -> Self:
        names = [column.name for column in self.columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"columns named twice: {', '.join(twice)}")
        known = {*names, "geometry"}
        wanted: list[tuple[str, str]] = []
        if isinstance(self.key, tuple):
            wanted += [("key", name) for name in self.key]
        wanted += [("tile.order", name) for name in self.tile.order]
        tells = self.summary.current.tells if self.summary.current else None
        wanted += [("summary.current.tells", name) for name in tells.model_dump().values()] if tells else []
        wanted += [("style.by", self.style.by)] if self.style.by else []
        wanted += [("style.frame.column", self.style.frame.column)] if self.style.frame else []
        wanted += [(f"profiles.{p}.hide", name) for p, profile in self.profiles.items() for name in profile.hide]
        wanted += [("places", name) for name in self.places.columns()] if self.places else []
        wanted += [("alike", name) for name in self.alike.columns()] if self.alike else []
        wanted += [("placed", name) for name in self.placed.columns()] if self.placed else []
        wanted += [(f"writes.{where}", name) for where, name in self.writes.names()] if self.writes else []
        for p, profile in self.profiles.items():
            if profile.blur is not None:
                named = (profile.blur.district, profile.blur.unless, *profile.blur.columns)
                wanted += [(f"profiles.{p}.blur", name) for name in named]
        for where, name in wanted:
            if name not in known:
                raise ValueError(f"{where}: no column is called {name}")
        if self.key is None and self.kind in ("reference", "latest"):
            raise ValueError("key: name the columns that identify a feature, or geometry")
        for column in self.columns:
            codes = len(column.codes) if column.codes else None
            if column.derived and (faults := column.derived.faults(self.kind, dict.fromkeys(names, ""), codes)):
                raise ValueError(f"{column.name}.derived: {'; '.join(faults)}")
        if self.kind == "latest" and self.with_role("time") is None:
            raise ValueError("columns: a layer of latest values needs one with the role time")
        labels = {role for role in ("mode", "release") if self.with_role(role) is not None}
        if len(labels) == 1 or (labels and "department" not in names):
            raise ValueError("columns: the roles mode and release go together, with a column department")
        if self.kind == "register" and not (labels and {"source", "source_ref"} <= set(names)):
            raise ValueError("a register needs the roles mode and release, and columns source, source_ref")
        if self.kind == "register" and (bool(self.numbered) == isinstance(self.key, tuple) or self.key == "geometry"):
            raise ValueError("a register needs numbered, or a key of columns that its ids are made of, and not both")
        if self.writes and self.kind != "register":
            raise ValueError("writes: only a register is written by people")
        if self.ticks and self.kind != "register":
            raise ValueError("ticks: only the records of a register are numbered one by one")
        types: dict[str, str] = {column.name: column.type for column in self.columns}
        for tick in self.ticks:
            if faults := tick.faults(types):
                raise ValueError(f"ticks.{tick.set}: {'; '.join(faults)}")
            if self.writes and tick.set not in self.writes.by_store and tick.value is None:
                raise ValueError(f"ticks.{tick.set}: the store sets it, so it belongs into writes.by_store")
        if (self.geometry is None) != (self.kind == "coverage"):
            raise ValueError("geometry: null is for coverages, and a coverage has no other")
        for role in get_args(Role):
            if sum(column.role == role for column in self.columns) > 1:
                raise ValueError(f"columns: only one may have the role {role}")
        return self

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def is_feature_layer(self) -> bool:
        """Whether the layer has a table and is published as features and tiles."""
        return self.kind != "coverage"

    @property
    def is_labelled(self) -> bool:
        """Whether rows carry labels (mode and release) and row security guards them."""
        return self.with_role("release") is not None

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Columns by name."""
        return {column.name: column for column in self.columns}

    def with_role(self, role: str) -> Column | None:
        """The column that plays a role, if any does."""
        return next((column for column in self.columns if column.role == role), None)

    def visible_columns(self, profile: str) -> tuple[Column, ...]:
        """The columns that a release profile shows, in the file's order."""
        hidden = self.profiles[profile].hide
        return tuple(column for column in self.columns if column.name not in hidden)

"""The other side: pygeoapi as published, in an environment of its own, over plain tables of the same rows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg.conninfo
import yaml

from cop.catalogue import Catalogue, Layer
from cop_bench.data import LAYERS
from cop_bench.servers import QUIET, WORKERS, Server, bare_environment, free_port
from cop_server.cluster import Cluster

LOCK = Path(__file__).parent.parent / "stock.lock"
PACKAGES = ("pygeoapi", "sqlalchemy", "geoalchemy2", "psycopg2-binary", "uvicorn", "starlette")
_VERSIONS = "import json, sys, importlib.metadata as m; print(json.dumps({p: m.version(p) for p in sys.argv[1:]}))"


def environment(folder: Path) -> Path:
    """The locked environment in a folder, made where it is missing or of another lock; its bin folder."""
    binaries, stamp = folder / "bin", folder / "made-from.lock"
    if not (stamp.is_file() and stamp.read_bytes() == LOCK.read_bytes()):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(binaries / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--require-hashes", "-r", str(LOCK)], check=True)  # fmt: skip
        stamp.write_bytes(LOCK.read_bytes())
    return binaries


def versions(binaries: Path) -> dict[str, str]:
    """The versions of what answers on the other side."""
    told = subprocess.run(
        [str(binaries / "python"), "-c", _VERSIONS, *PACKAGES], check=True, capture_output=True, text=True
    )
    found: dict[str, str] = json.loads(told.stdout)
    return found


def start_stock(folder: Path, binaries: Path, cluster: Cluster, catalogue: Catalogue) -> Server:
    """Stock pygeoapi as its documentation advises for production: its Starlette application with two workers."""
    address = psycopg.conninfo.conninfo_to_dict(cluster.app_dsn)
    port = free_port()
    config, document = folder / "stock-config.yml", folder / "stock-openapi.yml"
    config.write_text(yaml.safe_dump(_config(catalogue, address, port), sort_keys=False), encoding="utf-8")
    env = bare_environment() | {
        "PGPASSWORD": str(address["password"]),
        "PYGEOAPI_CONFIG": str(config),
        "PYGEOAPI_OPENAPI": str(document),
    }
    generate = [str(binaries / "pygeoapi"), "openapi", "generate", str(config), "--output-file", str(document)]
    subprocess.run(generate, check=True, env=env, capture_output=True)
    command = [
        str(binaries / "uvicorn"), "pygeoapi.starlette_app:APP", "--workers", str(WORKERS),
        "--port", str(port), *QUIET,
    ]  # fmt: skip
    return Server("stock pygeoapi", command, env, port, "/conformance?f=json", folder / "stock.log")


def _config(catalogue: Catalogue, address: Any, port: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}"
    named = {"title": "Measurement", "description": "Measurement", "keywords": ["measurement"],
             "terms_of_service": url, "url": url, "keywords_type": "theme"}  # fmt: skip
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port},
            "url": url, "mimetype": "application/json; charset=UTF-8", "encoding": "utf-8", "gzip": False,
            "languages": ["en-US"], "pretty_print": False, "admin": False,
            "limits": {"default_items": 10, "max_items": 10000},
            "map": {"url": "https://tile.openstreetmap.org/{z}/{x}/{y}.png", "attribution": "OpenStreetMap"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": named,
            "license": {"name": "none", "url": url},
            "provider": {"name": "none", "url": url},
            "contact": {"name": "none", "url": url},
        },
        "resources": {name: _resource(catalogue.layers[name], address) for name in LAYERS},
    }  # fmt: skip


def _resource(layer: Layer, address: Any) -> dict[str, Any]:
    source = {
        "data": {"host": address["host"], "port": int(address["port"]), "dbname": address["dbname"],
                 "user": address["user"], "search_path": ["stock"]},
        "table": layer.id, "id_field": "id", "geom_field": "geom",
    }  # fmt: skip
    time_column = layer.with_role("time")
    timed = {"time_field": time_column.name} if time_column else {}
    tiles = {
        "type": "tile", "name": "MVT-postgresql", **source,
        # PostGIS knows this one by the same number as the column's; with CRS84 by name the tile query fails.
        "storage_crs": "http://www.opengis.net/def/crs/EPSG/0/4326",
        "options": {"zoom": {"min": 0, "max": 22}},
        "format": {"name": "pbf", "mimetype": "application/vnd.mapbox-vector-tile"},
    }  # fmt: skip
    return {
        "type": "collection",
        "title": layer.title.en, "description": layer.description.en, "keywords": ["measurement"], "links": [],
        "extents": {"spatial": {"bbox": [113.8, 22.1, 114.5, 22.6],
                                "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}},
        "providers": [{"type": "feature", "name": "PostgreSQL", **source, **timed}, tiles],
    }  # fmt: skip

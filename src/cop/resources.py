"""Where the files that travel with the code are: in the wheel, or in the clone it was installed from."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

_IN_CLONE = {
    "inbox": "ingest/inbox",
    "layers": "layers",
    "mapproxy": "mapproxy",
    "openapi": "openapi",
    "styles": "tiles/styles",
    "symbols": "tiles/symbols",
    "pygeoapi-config.yml": "pygeoapi-config.yml",
}


def package_folder() -> Path:
    """The folder of the package `cop` itself."""
    return Path(str(files("cop")))


def clone_folder() -> Path | None:
    """The clone that an editable install points to, or None where `cop` runs from a wheel."""
    root = package_folder().parent.parent
    return root if (root / "pyproject.toml").is_file() and (root / "layers").is_dir() else None


def resource(name: str) -> Path:
    """The path of a bundled file or folder.

    Raises FileNotFoundError that names both places looked at.
    """
    bundled = package_folder() / "_bundled" / name
    if bundled.exists():
        return bundled
    clone = clone_folder()
    if clone is not None and (clone / _IN_CLONE[name]).exists():
        return clone / _IN_CLONE[name]
    raise FileNotFoundError(f"{name}: neither in {bundled.parent} nor in a clone; reinstall cop")

"""Take the pictures of README.md and docs/clients.md: `.venv/bin/python scripts/pictures.py [ADDRESS]`.

ADDRESS is that of a running server; without it http://127.0.0.1:8000. Needs what `make test` needs: QGIS's Python
(Debian's python3-qgis) and Chromium. Writes map.png, landing.png and qgis.png in docs/pictures, each under 300 kB.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
PYTHON = "/usr/bin/python3"  # Debian's: the package qgis is made for it alone
LARGEST = 300_000
PATIENCE_MS = 90_000
FADED_IN_MS = 2_000  # labels and marks appear within a moment after the last tile
# Without a graphics card the map is drawn in software.
FLAGS = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader",
         "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]  # fmt: skip
KEPT = ("PATH", "LANG", "HOME", "TMPDIR")


def main() -> None:
    """All pictures."""
    url = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000").rstrip("/")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            shrink(the_map(browser, url, folder), PICTURES / "map.png")
            shrink(landing_page(browser, url, folder), PICTURES / "landing.png")
            browser.close()
        shrink(qgis(url, folder), PICTURES / "qgis.png")


def qgis(url: str, folder: Path) -> Path:
    """The QGIS project with its layer tree."""
    project, picture = folder / "cop.qgz", folder / "qgis.png"
    project.write_bytes(httpx.get(f"{url}/clients/qgis.qgz", timeout=60).raise_for_status().content)
    env = {name: value for name, value in os.environ.items() if name in KEPT}
    env |= {"QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": str(folder), "QGIS_CUSTOM_CONFIG_PATH": str(folder)}
    script = ROOT / "scripts" / "qgis_window.py"
    subprocess.run([PYTHON, script, project, picture], env=env, check=True, timeout=300)
    return picture


def the_map(browser: Browser, url: str, folder: Path) -> Path:
    """The page with its map, in the first language of the repository, on the light ground."""
    picture = folder / "map.png"
    page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-HK", timezone_id="Asia/Hong_Kong")
    page.goto(f"{url}/map?lang=en&theme=light")
    page.wait_for_selector("body[data-ready=true]", timeout=PATIENCE_MS)
    page.wait_for_load_state("networkidle", timeout=PATIENCE_MS)
    page.wait_for_timeout(FADED_IN_MS)
    page.screenshot(path=picture)
    return picture


def landing_page(browser: Browser, url: str, folder: Path) -> Path:
    """The landing page with its addresses."""
    picture = folder / "landing.png"
    page = browser.new_page(viewport={"width": 1200, "height": 980}, locale="en-HK")
    page.goto(f"{url}/?f=html&lang=en")
    page.wait_for_selector(".address >> text=TileJSON")
    page.screenshot(path=picture)
    return picture


def shrink(picture: Path, to: Path) -> None:
    """Write a picture with as many colours as its size allows. Raises SystemExit where even few are too large."""
    with Image.open(picture) as whole:
        for colours in (256, 192, 128, 64, 32):
            # Means keep rare colours, such as the lamp of 60 pixels that says whether the picture is live.
            few = whole.convert("RGB").quantize(colours, kmeans=8, dither=Image.Dither.NONE)
            few.save(to, optimize=True)
            if to.stat().st_size < LARGEST:
                print(f"{to.relative_to(ROOT)}: {to.stat().st_size // 1000} kB")
                return
    raise SystemExit(f"{to.name}: more than {LARGEST} bytes; make the picture smaller")


if __name__ == "__main__":
    main()

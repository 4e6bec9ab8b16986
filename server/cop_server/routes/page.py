"""The page at /map: static files that Vite has built, served as they are."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from cop_server.problems import problem

PAGE = Path(__file__).parent.parent / "page"


def page_routes() -> list[BaseRoute]:
    """The page and its files; where the page was not built, a sentence that says how."""
    assets = Mount("/map-assets", StaticFiles(directory=PAGE, check_dir=False))
    return [Route("/map", _page), assets]


async def _page(request: Request) -> Response:
    index = PAGE / "index.html"
    if not index.is_file():
        detail = "The page was not built on this machine; run `make page`. The API does not need it."
        return problem(request, 503, "The page is not there", detail)
    return FileResponse(index, headers={"Cache-Control": "no-cache"}, media_type="text/html")

"""The page at /map: static files that Vite has built, served as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from cop_server.problems import problem

PAGE = Path(__file__).parent.parent / "page"


def page_routes() -> list[BaseRoute]:
    """The page and its files; where the page was not built, a sentence that says how."""
    files = GZipMiddleware(_Assets(directory=PAGE, check_dir=False))
    return [Route("/map", _page), Mount("/map-assets", files)]


class _Assets(StaticFiles):
    """Static files; those under assets/ carry a hash in their name, and so never change."""

    def file_response(self, full_path: Any, *args: Any, **kwargs: Any) -> Response:
        """The file, with how long it may be kept."""
        response = super().file_response(full_path, *args, **kwargs)
        named_by_hash = "assets" in Path(full_path).parts
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if named_by_hash else "no-cache"
        return response


async def _page(request: Request) -> Response:
    index = PAGE / "index.html"
    if not index.is_file():
        detail = "The page was not built on this machine; run `scripts/page`. The API does not need it."
        return problem(request, 503, "The page is not there", detail)
    return FileResponse(index, headers={"Cache-Control": "no-cache"}, media_type="text/html")

"""Style sheets, scripts and pictures: named by what is in them, kept in memory, compressed once, cached by browsers for good."""

import asyncio
import gzip
import hashlib
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

PREFIX = "/static/"

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ico": "image/x-icon",
    ".png": "image/png",
}
# The name changes with the content, so a year is as good as for ever (RFC 9111 has no better word).
_FOR_GOOD = "public, max-age=31536000, immutable"


class Asset:
    """One file."""

    def __init__(self, file: Path) -> None:
        self.content = file.read_bytes()
        self.media_type = _TYPES[file.suffix]

    @cached_property
    def compressed(self) -> bytes:
        """The same by gzip: some milliseconds, for the first who asks."""
        return gzip.compress(self.content, 9, mtime=0)


class _Named(NamedTuple):
    path: str
    asset: Asset


class Assets:
    """All files of the folder `static`, but the texts of licences."""

    def __init__(self, folder: Path = _FOLDER) -> None:
        self._named: dict[str, _Named] = {}
        for file in sorted(folder.rglob("*")):
            if file.suffix in _TYPES:
                asset = Asset(file)
                mark = hashlib.sha256(asset.content).hexdigest()[:12]
                name = file.relative_to(folder).as_posix()
                self._named[name] = _Named(f"{name.removesuffix(file.suffix)}.{mark}{file.suffix}", asset)
        self._by_path = {named.path: named.asset for named in self._named.values()}

    def path(self, name: str) -> str:
        """Where the file `name` (below `static`) is served. Raises KeyError for one that there is not."""
        return PREFIX + self._named[name].path

    async def serve(self, request: Request) -> Response:
        """The answer to a request for a file. Raises HTTPException."""
        asset = self._by_path.get(request.path_params["path"])
        if asset is None:
            raise HTTPException(404)
        headers = {"cache-control": _FOR_GOOD, "vary": "accept-encoding"}
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(asset.content, media_type=asset.media_type, headers=headers)
        headers["content-encoding"] = "gzip"
        # In a thread: the first time it takes as long as a call that is being placed should not wait.
        content = await asyncio.to_thread(lambda: asset.compressed)
        return Response(content, media_type=asset.media_type, headers=headers)

"""The tree of a service that runs, asked for over HTTP."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from typing import Any

from remapd.control.tree import Control
from remapd.errors import FieldError, RemapdError, TooLargeError
from remapd.fields import parsed_json
from remapd.layouts.described import described_controls

_PATH = "/api/v1/tree?describe=1"
_TIMEOUT_S = 10.0
#: More than 32 tracks have.
_MAX_BYTES = 1 << 24


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token goes to the service that was named, and to nobody else."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""


def running_controls(url: str, token: str = "") -> tuple[Control, ...]:
    """Controls of the service at a URL.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:8808``.
    token : str
        Where it asks for one.

    Raises
    ------
    RemapdError
        If nobody answers there, or something else than remapd does.
    """
    if not url.startswith(("http://", "https://")):
        raise FieldError("url", "http:// or https:// and a host", url)
    content = _content(url, {"Authorization": f"Bearer {token}"} if token else {})
    try:
        document = parsed_json(content, whole=True)
    except ValueError as error:
        raise RemapdError(f"{url} is no remapd: its answer is no JSON text ({error})") from None
    return described_controls(document)


def _content(url: str, headers: dict[str, str]) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
    try:
        request = urllib.request.Request(url.rstrip("/") + _PATH, headers=headers)
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            content: bytes = answer.read(_MAX_BYTES + 1)
    except urllib.error.HTTPError as error:
        hint = "; --token-file names the file with its token" if error.code == http.HTTPStatus.UNAUTHORIZED else ""
        raise RemapdError(f"{url} answers {error.code} {error.reason}{hint}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise RemapdError(f"{url} does not answer: {getattr(error, 'reason', None) or error}") from None
    if len(content) > _MAX_BYTES:
        raise TooLargeError(f"{url}: its tree is larger than {_MAX_BYTES >> 20} MiB")
    return content

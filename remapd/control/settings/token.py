"""The token that requests bring when more than this machine can reach the daemon."""

from __future__ import annotations

import contextlib
import logging
import re
import secrets
from pathlib import Path

from remapd.control.http.policy import SHORTEST_TOKEN, is_loopback
from remapd.control.settings.sections import HttpSection
from remapd.errors import FieldError, ModelError, Told
from remapd.files import make_folder, read_capped, replace_file

_log = logging.getLogger("remapd.token")

_BYTES = 32
_LONGEST = 512
#: What may stand in a header and in the subprotocol of a WebSocket.
_SIGNS = re.compile(rf"[A-Za-z0-9._~+-]{{{SHORTEST_TOKEN},{_LONGEST}}}")
_ONES_OWN = 0o600
_KIND = "token"


def needs_token(http: HttpSection) -> bool:
    """Whether requests must bring a token: beyond this machine always."""
    return http.require_token or not is_loopback(http.host)


def http_token(http: HttpSection, generated: Path) -> str:
    """The token that requests must bring; empty if they need none.

    It is the one of the config or of the file named there. If there is neither, and one is needed, it is generated once
    and kept in a file that nobody else can read.

    Parameters
    ----------
    http : HttpSection
        Settings of the server.
    generated : Path
        File of the generated token.

    Raises
    ------
    FieldError
        If a token that is given is too short, or has other signs than it may have; the token is not in the text.
    ModelError
        If a file cannot be read or written.
    """
    return given_token(http) or (_generated(generated) if needs_token(http) else "")


def given_token(http: HttpSection) -> str:
    """The token of the config or of the file named there; empty if there is neither. Raises as `http_token` does."""
    if http.token is not None:
        return checked_token(http.token.get_secret_value(), "http.token")
    if http.token_file is not None:
        return checked_token(_content(http.token_file), "http.token_file")
    return ""


def checked_token(token: str, field: str) -> str:
    """Return a token that is hard to guess and can be sent.

    Raises
    ------
    FieldError
        If it is not; the token is not in the text.
    """
    if not _SIGNS.fullmatch(token):
        expected = f"{SHORTEST_TOKEN} to {_LONGEST} letters, digits and . _ ~ + -"
        raise FieldError(field, expected, Told(f"a text of {len(token)} characters"))
    return token


def _content(path: Path) -> str:
    content = read_capped(path, 2 * _LONGEST, _KIND)
    with contextlib.suppress(OSError):
        if path.stat().st_mode & 0o077:
            _log.warning("the token in %s can be read by others", path)
    return content.decode("ascii", "replace").strip()


def _generated(path: Path) -> str:
    with contextlib.suppress(FieldError, ModelError):
        token = checked_token(read_capped(path, 2 * _LONGEST, _KIND).decode("ascii", "replace").strip(), _KIND)
        with contextlib.suppress(OSError):
            path.chmod(_ONES_OWN)
        return token
    token = secrets.token_urlsafe(_BYTES)
    make_folder(path.parent, 0o700)
    replace_file(path, f"{token}\n".encode(), _KIND, _ONES_OWN)
    _log.info("a token was made; it is in %s", path)
    return token

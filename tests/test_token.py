"""The token: none on this machine alone, a secret one beyond it."""

from __future__ import annotations

import logging
import os

import pytest
from pydantic import SecretStr

from remapd.control.settings.sections import HttpSection
from remapd.control.settings.token import checked_token, http_token, needs_token
from remapd.errors import DiskFullError, FieldError, RemapdError
from tests.disks import full_disk

TOKEN = "an-old-token.of_20+characters"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_alone_needs_none(tmp_path, host):
    assert http_token(HttpSection(host=host), tmp_path / "token") == ""
    assert not (tmp_path / "token").exists()


@pytest.mark.parametrize(
    "http", [HttpSection(host="0.0.0.0"), HttpSection(host="::"), HttpSection(host="desk.local"),
             HttpSection(require_token=True)]
)  # fmt: skip
def test_beyond_it_one_is_made_once_that_nobody_else_can_read(tmp_path, http):
    path = tmp_path / "state" / "token"
    assert needs_token(http)
    token = http_token(http, path)
    assert http_token(http, path) == token
    assert checked_token(token, "token") == token
    assert len(token) >= 43
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0


def test_two_are_never_the_same(tmp_path):
    http = HttpSection(host="0.0.0.0")
    assert http_token(http, tmp_path / "a") != http_token(http, tmp_path / "b")


def test_one_that_others_could_read_is_closed_to_them(tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o644)
    assert http_token(HttpSection(host="0.0.0.0"), path) == TOKEN
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"short\n", b"\xff" * 40, b"two words are no token", b"x" * 5000])
def test_one_that_is_damaged_is_made_anew(tmp_path, content):
    path = tmp_path / "token"
    path.write_bytes(content)
    token = http_token(HttpSection(host="0.0.0.0"), path)
    assert path.read_text() == f"{token}\n"


def test_a_given_one_is_taken_as_it_is(tmp_path):
    http = HttpSection(host="0.0.0.0", token=SecretStr(TOKEN))
    assert http_token(http, tmp_path / "token") == TOKEN
    (tmp_path / "secret").write_text(f"{TOKEN}\n")
    assert http_token(HttpSection(token_file=tmp_path / "secret"), tmp_path / "token") == TOKEN
    assert not (tmp_path / "token").exists()


@pytest.mark.parametrize("token", ["", "short", "with a blank in it, which is long", "ä" * 30, "x" * 513])
def test_one_that_cannot_serve_is_refused_and_not_shown(tmp_path, token):
    with pytest.raises(FieldError, match=r"http\.token: expected 16 to 512") as refusal:
        http_token(HttpSection(token=SecretStr(token)), tmp_path / "token")
    assert not token or token not in str(refusal.value)
    (tmp_path / "secret").write_text(token, "utf-8")
    with pytest.raises(FieldError, match="token_file"):
        http_token(HttpSection(token_file=tmp_path / "secret"), tmp_path / "token")


def test_a_file_that_is_not_there_or_open_to_others_is_told_of(tmp_path, caplog):
    with pytest.raises(RemapdError, match="cannot be read"):
        http_token(HttpSection(token_file=tmp_path / "none"), tmp_path / "token")
    (tmp_path / "secret").write_text(TOKEN)
    (tmp_path / "secret").chmod(0o644)
    with caplog.at_level(logging.INFO):
        http_token(HttpSection(token_file=tmp_path / "secret"), tmp_path / "token")
        token = http_token(HttpSection(host="0.0.0.0"), tmp_path / "token")
    assert "can be read by others" in caplog.text
    assert TOKEN not in caplog.text
    assert token not in caplog.text


def test_a_full_disk_is_told_of(tmp_path):
    with full_disk(), pytest.raises(DiskFullError):
        http_token(HttpSection(host="0.0.0.0"), tmp_path / "token")
    assert os.listdir(tmp_path) == []

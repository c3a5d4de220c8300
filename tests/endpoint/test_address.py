"""Only a private network is asked, unless the user says otherwise."""

from __future__ import annotations

import socket

import pytest

from icdcoder.core.errors import ConfigError
from icdcoder.endpoint.address import require_private


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/v1",
        "http://localhost:11434/v1",
        "https://10.1.2.3/v1",
        "http://192.168.0.9/v1",
        "http://[::1]:80/v1",
        "http://[::ffff:10.0.0.1]/v1",
    ],
)
def test_private(url: str) -> None:
    require_private(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://8.8.8.8/v1",
        "http://[2001:4860:4860::8888]/v1",
        "http://[::ffff:8.8.8.8]/v1",
        "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/v1",
        "http://0.0.0.0/v1",
    ],
)
def test_public_is_refused_with_the_reason(url: str) -> None:
    with pytest.raises(ConfigError, match="PhysioNet"):
        require_private(url)
    require_private(url, allow_public=True)


def test_a_name_with_one_public_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", ("10.0.0.1", 0)), (2, 1, 6, "", ("93.184.216.34", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: found)
    with pytest.raises(ConfigError, match=r"93\.184\.216\.34"):
        require_private("http://models.hospital.example/v1")


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://127.0.0.1:port/", "http://[::1"]
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ConfigError, match="not the address of an endpoint"):
        require_private(url)


def test_a_password_in_the_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match="password") as error:
        require_private("http://me:secret@127.0.0.1/v1")
    assert "secret" not in str(error.value)

"""What ``conftest.py`` promises: a unit test reaches no network, no loopback and no account."""

from __future__ import annotations

import os
import socket
import urllib.request

import pytest
from botocore.exceptions import HTTPClientError
from pytest_socket import SocketBlockedError

from marketlake.aws import s3_client


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://example.com/"])
def test_no_address_can_be_reached(url: str) -> None:
    with pytest.raises(SocketBlockedError):
        urllib.request.urlopen(url, timeout=1)
    with pytest.raises(SocketBlockedError):
        socket.create_connection(("127.0.0.1", 1), timeout=1)


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_a_client_outside_moto_is_stopped_as_well() -> None:
    with pytest.raises(HTTPClientError, match="A test tried to use socket"):
        s3_client().list_buckets()


def test_credentials_are_fake_and_nothing_of_the_developers_is_there() -> None:
    ours = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "MARKETLAKE_"))}
    assert ours["AWS_ACCESS_KEY_ID"] == ours["AWS_SECRET_ACCESS_KEY"] == "testing"
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "MARKETLAKE_HOME"} & set(ours)
    assert not {"RAW_BUCKET", "CLEAN_BUCKET", "LAST_KNOWN_DAY"} & set(os.environ)

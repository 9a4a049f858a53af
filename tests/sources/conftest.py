"""Reading bytes as if they were a file."""

import io

import pytest

from defender_indicators.sources import open_source


@pytest.fixture
def read_bytes():
    """Return a function: bytes (and a chosen format) to the list of rows that standard input yields."""

    def read(data, chosen=""):
        with open_source("-", io.BytesIO(data), chosen=chosen) as source:
            return list(source.rows)

    return read


@pytest.fixture
def detected():
    """Return a function: bytes to the format that is found in them."""

    def detect(data):
        with open_source("-", io.BytesIO(data)) as source:
            return source.format

    return detect

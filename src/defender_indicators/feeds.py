"""Sources for a caller: feeds come through the configured proxy, and what they held last is remembered."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from defender_indicators.errors import ConfigurationError
from defender_indicators.network import Network
from defender_indicators.sources import Source, load_policy, open_source
from defender_indicators.sources.feed import Feed, authorization
from defender_indicators.sources.feed_store import FeedStore

if TYPE_CHECKING:
    from defender_indicators.context import Context


def feed_of(context: Context) -> Feed:
    """Return what fetches feeds; where nothing is configured, without a proxy and without a memory."""
    try:
        profile = context.profile
    except ConfigurationError:
        return Feed(Network(), context.clock)
    return Feed(profile.network, context.clock, FeedStore(profile.home / "feeds"))


def headers_of(context: Context, location: str) -> dict[str, str]:
    """Return the headers that show the configured credentials of an address; none for what has none.

    Raises:
        ConfigurationError: the secret cannot be read.
    """
    host = urlsplit(location.removeprefix("taxii+")).netloc.lower() if "://" in location else ""
    try:
        feeds = context.profile.feeds if host else {}
    except ConfigurationError:
        return {}
    if host not in feeds:
        return {}
    user, secret = feeds[host]
    return authorization(secret.read(), user)


@contextmanager
def source_of(inputs: Mapping[str, Any], context: Context, **wishes: Any) -> Iterator[Source]:
    """Open what an action's inputs name.

    Args:
        inputs: ``source`` (or ``text``, the document itself), ``format``, ``policy``, ``columns``, ``feed``.
        context: the caller's.
        wishes: more of :func:`sources.open_source`.

    Raises:
        InputError: it cannot be read.
        ConfigurationError: the policy is wrong.
    """
    given = io.BytesIO(inputs.get("text", "").encode())
    with open_source(
        inputs["source"] or "-",
        given,
        chosen=inputs["format"],
        policy=load_policy(Path(inputs["policy"])) if inputs["policy"] else None,
        columns=inputs["columns"],
        feed=inputs["feed"],
        now=context.clock.now(),
        plain_lists=True,
        feeds=lambda: feed_of(context),
        headers=headers_of(context, inputs["source"]),
        **wishes,
    ) as source:
        yield source

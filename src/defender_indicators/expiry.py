"""A word in time before a secret or a certificate ends."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final

from defender_indicators.credentials import Certificate, ClientSecret, Credential

NOTICE: Final = timedelta(days=30)
"""How long before its end a credential is worth a warning."""


def expiry_warning(credential: Credential, now: datetime) -> str:
    """Return what to say about a credential that ends within 30 days or has ended, ``""`` otherwise.

    Raises:
        ConfigurationError: the certificate's file cannot be used.
    """
    if isinstance(credential, ClientSecret) and credential.expires:
        end, what = datetime.combine(credential.expires, time.min, UTC), "the client secret"
    elif isinstance(credential, Certificate):
        from defender_indicators.certificate import load_certificate  # noqa: PLC0415  # cryptography is slow to import

        end, what = load_certificate(credential).expires, f"the certificate {credential.file}"
    else:
        return ""
    if end - now > NOTICE:
        return ""
    verb = "expires" if end > now else "expired"
    return f"{what} {verb} on {end:%Y-%m-%d}; add a new one to the app registration and change over"

"""The client of Microsoft Defender for Endpoint: sign-in, one HTTP call at a time, and a check of both.

Source: ti-indicator.md, import-ti-indicators.md, get-ti-indicators-collection.md, exposed-apis-create-app-webapp.md.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from defender_indicators import __version__
from defender_indicators.clock import Clock
from defender_indicators.configuration import Profile
from defender_indicators.credentials import DeviceCode, ManagedIdentity
from defender_indicators.delivery.answer import Answer, Call, Failure, Transport
from defender_indicators.delivery.deliverable import Deliverable
from defender_indicators.delivery.report import Report
from defender_indicators.errors import AuthenticationError, ConfigurationError, ConnectorError
from defender_indicators.expiry import expiry_warning
from defender_indicators.logs import escape
from defender_indicators.network import Network
from defender_indicators.origin import same_origin
from defender_indicators.product import Identity, Product
from defender_indicators.redaction import guard_loggers, redact
from defender_indicators.signin import SignInHttp, tenant_guid
from defender_indicators.token_sources import Prompt, token_source
from defender_indicators.tokens import Token
from defender_indicators.transport import Http

CLOCK_TOLERANCE: Final = 120.0
"""Seconds that this machine's clock may differ from the service's before it is worth a warning."""
_SHOWN: Final = 300
_OK: Final = 200
_REFUSALS: Final = (401, 403)


class Defender:
    """One tenant of Defender, as one application.

    ``send`` may be called by four threads at once, ``sign_in`` by any number.

    Args:
        profile: the tenant's settings.
        product: clouds, hosts, limits.
        clock: what expiry, token age and clock skew are measured with.
        log: where warnings go.
        prompt: shows a person the text of a device-code sign-in; None means nobody is there.
        deliver: carries out a plan with this connector as the transport; it batches, throttles and retries.

    Raises:
        ConfigurationError: an address that must not be used, an unknown cloud, an unusable CA bundle or proxy.
    """

    def __init__(  # noqa: PLR0913  # every collaborator is handed in
        self,
        profile: Profile,
        product: Product,
        *,
        clock: Clock,
        log: logging.Logger,
        prompt: Prompt | None = None,
        deliver: Callable[[Deliverable, Transport], Report] | None = None,
    ) -> None:
        self.profile, self.product = profile, product
        self._endpoints = product.endpoints(profile)
        self._clock, self._log = clock, log
        self._deliver = deliver
        self._http = Http(profile.network, clock)
        for address in (self._endpoints.api_url, self._endpoints.authority):
            self._http.proxies(address)  # a wrong one in the environment is told before anything is tried
        managed = isinstance(profile.credential, ManagedIdentity)
        self._entra = Http(Network(deadline=profile.network.deadline), clock) if managed else self._http
        self._source = token_source(profile, self._endpoints, SignInHttp(self._entra), clock, prompt)
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._renew_at = 0.0
        self._tenant = ""
        self._warned: set[str] = set()
        guard_loggers()

    def sign_in(self, *, renew: bool = False, claims: str = "") -> None:
        """Make sure a usable token is at hand; with ``renew`` drop the one we have first.

        Raises:
            AuthenticationError, ConfigurationError: the credentials are wrong; trying again cannot help.
            TransportError, ThrottledError, ServerError: the sign-in service cannot be reached or is busy.
        """
        with self._lock:
            if self._token and not renew and self._clock.boottime() < self._renew_at:
                return
            fresh = renew or self._token is not None
            self._token = self._source.acquire(fresh=fresh, claims=claims)
            self._renew_at = self._clock.boottime() + self._token.usable
        for warning in self._warnings():
            self._warn(warning)

    def send(self, call: Call) -> Answer:
        """Send one call and return what came back; never raises, never retries, never follows a redirect.

        A ``path`` that leads to another origin is not called: `Failure.FATAL`.
        """
        origin = self._endpoints.api_url
        url = call.path if "://" in call.path else origin + call.path
        if not same_origin(url, origin):
            return Answer(failure=Failure.FATAL, detail=f"{call.method}: a link leads away from {origin}; not followed")
        if not self._token:
            try:
                self.sign_in()
            except (ConnectorError, ConfigurationError) as error:
                retryable = isinstance(error, ConnectorError) and error.retryable
                return Answer(failure=Failure.NOT_SENT if retryable else Failure.FATAL, detail=str(error))
        answer = self._http.exchange(call.method, url, self._headers(call), call.body, call.most_bytes)
        if skew := self._skew_warning():
            self._warn(skew)
        return answer

    def import_indicators(self, plan: Deliverable) -> Report:
        """Deliver a plan and return its report; rows that Defender refuses are data in it.

        Raises:
            PackError: see :meth:`Delivery.deliver`.
        """
        return self.apply(plan)

    def apply(self, plan: Deliverable) -> Report:
        """Carry out a plan of imports and deletions and return its report.

        Raises:
            PackError: see :meth:`Delivery.deliver`.
        """
        if self._deliver is None:
            raise ConfigurationError(f"{self.profile.name}: this connector was made without a ledger to deliver from")
        return self._deliver(plan, self)

    def identity(self) -> Identity:
        """Return who we are to the service; asks the sign-in service only when the configuration does not say it.

        Raises:
            ConnectorError: as `sign_in`.
        """
        profile = self.profile
        if isinstance(profile.credential, ManagedIdentity):
            self.sign_in()
            claims = self._token.claims if self._token else {}
            tenant, app = claims.get("tid"), claims.get("appid") or claims.get("azp")
            if not (tenant and app):
                raise AuthenticationError("managed identity: the token names no tenant or application")
            return Identity(profile.cloud, str(tenant).lower(), str(app).lower())
        if not self._tenant:
            self._tenant = tenant_guid(SignInHttp(self._entra), self._endpoints.authority, profile.tenant_id)
        return Identity(profile.cloud, self._tenant, profile.client_id.lower())

    def roles(self) -> frozenset[str]:
        """Return the roles or scopes written in the current token, to be shown; empty before sign-in."""
        return self._token.roles if self._token else frozenset()

    def sees_all(self) -> bool:
        """Whether the service lists the rows of others to us; as far as the token says, so ask after a call."""
        if isinstance(self.profile.credential, DeviceCode) or not self.roles():
            return True
        return self.product.roles[0] in self.roles()

    def check(self) -> dict[str, Any]:
        """Sign in, read the token's permissions and list one indicator; never spends an import call.

        Returns:
            ``ok``, ``remedy`` (``""`` when ok), ``tenant``, ``app_id``, ``cloud``, ``api_url``, ``proxy`` and
            ``ca_bundle`` (``""`` when unset), ``roles``, ``missing_roles``, ``clock_skew_seconds`` (how far this
            machine is ahead), ``warnings``.
        """
        tenant, app, remedy = self.profile.tenant_id, self.profile.client_id, ""
        try:
            _, tenant, app = self.identity()
            self.sign_in()
            remedy = self._permission_remedy(app) or self._list_remedy(app)
        except ConnectorError as error:
            remedy = str(error)
        return {
            "ok": not remedy,
            "remedy": remedy,
            "tenant": tenant,
            "app_id": app,
            "cloud": self.profile.cloud,
            "api_url": self._endpoints.api_url,
            "proxy": redact(self.profile.network.proxy),
            "ca_bundle": self.profile.network.ca_bundle,
            "roles": sorted(self.roles()),
            "missing_roles": self._missing(),
            "clock_skew_seconds": -round(self._http.skew or 0),
            "warnings": self._warnings(),
        }

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()
        self._entra.close()

    def _headers(self, call: Call) -> dict[str, str]:
        token = self._token
        return {
            "Authorization": f"Bearer {token.secret.reveal() if token else ''}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"defender-indicators/{__version__}",
            "client-request-id": call.request_id,
        }

    def _accepted(self) -> tuple[str, ...]:
        delegated = isinstance(self.profile.credential, DeviceCode)
        return self.product.scopes if delegated else self.product.roles

    def _missing(self) -> list[str]:
        if not self._token or self.roles() & set(self._accepted()):
            return []
        return [self._accepted()[0]]

    def _permission_remedy(self, app: str) -> str:
        missing = self._missing()
        return f"the token lacks {missing[0]}; {_grant(missing[0], app)}" if missing else ""

    def _list_remedy(self, app: str) -> str:
        answer = self.send(Call("GET", "/api/indicators?$top=1"))
        place = "GET /api/indicators"
        if answer.failure:
            return f"{place}: {answer.detail}"
        if answer.status == _OK and answer.body.lstrip().startswith(b"{"):
            return ""
        text = escape(redact(answer.body[:_SHOWN].decode("utf-8", "replace")))
        advice = _grant(self._accepted()[0], app) if answer.status in _REFUSALS else "check DEFENDER_API_URL"
        return f"{place}: HTTP {answer.status} {text}; {advice}"

    def _warnings(self) -> list[str]:
        found = [expiry_warning(self.profile.credential, self._clock.now()), self._skew_warning()]
        if self._token and self._token.lifetime < CLOCK_TOLERANCE + 180:
            found.append(f"tokens live {self._token.lifetime:.0f} s only; each sign-in serves few calls")
        return [warning for warning in found if warning]

    def _skew_warning(self) -> str:
        skew = self._http.skew or 0.0
        if abs(skew) <= CLOCK_TOLERANCE:
            return ""
        direction = "behind" if skew > 0 else "ahead of"
        return f"this machine's clock is {abs(skew):.0f} s {direction} the service's; set the clock"

    def _warn(self, warning: str) -> None:
        kind = warning.partition(" is ")[0]
        if kind not in self._warned:
            self._warned.add(kind)
            self._log.warning("%s: %s", self.profile.name, warning)


def _grant(role: str, app: str) -> str:
    return (
        f"grant {role} of WindowsDefenderATP to application {app} (Microsoft Entra > App registrations > "
        "API permissions > APIs my organization uses), then give admin consent"
    )

"""Sign-in: OpenID discovery, the v2 token endpoint, device codes, the managed identity endpoint.

Source: learn.microsoft.com/entra/identity-platform (v2 protocols) and what the MSAL library demands of an authority.
"""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

import orjson

from defender_indicators.emulator.assertions import authenticate
from defender_indicators.emulator.directory import Directory, Registration, SignInError
from defender_indicators.emulator.reply import Call, Reply, answer
from defender_indicators.emulator.settings import Settings

_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_OPENID_SCOPES = frozenset({"openid", "profile", "offline_access", "email"})
_DEVICE_CODE_SECONDS = 900


@dataclass(slots=True)
class _DeviceCode:
    resource: str
    polls: int = 0


class Entra:
    """The sign-in endpoints of one emulator."""

    def __init__(self, settings: Settings, directory: Directory) -> None:
        self._settings, self._directory = settings, directory
        self._device_codes: dict[str, _DeviceCode] = {}
        self.base_url = ""
        self.identity_header = secrets.token_hex(16)

    def discovery(self, call: Call) -> Reply:
        """Answer the OpenID configuration of one tenant."""
        tenant = self._directory.tenant(call.path["tenant"])
        root = f"{self.base_url}/{tenant}"
        return answer(
            {
                "issuer": f"{root}/v2.0",
                "authorization_endpoint": f"{root}/oauth2/v2.0/authorize",
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{root}/discovery/v2.0/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "response_types_supported": ["code", "id_token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["ES256"],
            }
        )

    def keys(self, _: Call) -> Reply:
        """Answer the key that tokens are signed with."""
        return answer(self._directory.jwks())

    def device(self, call: Call) -> Reply:
        """Answer a device code; the user "signs in" after ``device_polls`` polls."""
        form = _form(call)
        app = self._directory.application(self._directory.tenant(call.path["tenant"]), form.get("client_id", ""))
        code, user_code = secrets.token_urlsafe(24), secrets.token_hex(4).upper()
        self._device_codes[code] = _DeviceCode(_resource(form, ("/.default", *(f"/{scope}" for scope in app.scopes))))
        address = f"{self.base_url}/device"
        message = f"To sign in, use a web browser to open the page {address} and enter the code {user_code}."
        return answer(
            {
                "device_code": code,
                "user_code": user_code,
                "verification_uri": address,
                "expires_in": _DEVICE_CODE_SECONDS,
                "interval": 1,
                "message": message,
            }
        )

    def token(self, call: Call) -> Reply:
        """Answer a token request.

        Raises:
            SignInError: the request is refused.
        """
        form, name = _form(call), call.path["tenant"]
        tenant = self._directory.tenant(name)
        app = self._directory.application(tenant, form.get("client_id", ""))
        call.caller = call.caller._replace(tenant=tenant, app=app.client_id)
        match form.get("grant_type"):
            case "client_credentials":
                ends = [f"{self.base_url}/{one}/oauth2/v2.0/token" for one in {name, tenant, name.lower()}]
                authenticate(self._directory, app, form, ends)
                resource = _resource(form, ("/.default",))
                return answer(self._directory.issue(app, resource, delegated=False, claims=form.get("claims", "")))
            case grant if grant == _DEVICE_GRANT:
                return self._delegated(app, form, self._poll(form.get("device_code", "")))
            case "refresh_token":
                known = self._directory.refresh_tokens.get(form.get("refresh_token", ""))
                if not known or known[0] is not app:
                    raise SignInError("invalid_grant", 9002313, "The refresh token is malformed or not valid.")
                return self._delegated(app, form, known[1])
        raise SignInError("unsupported_grant_type", 70003, "The app requested an unsupported grant type.")

    def _poll(self, text: str) -> str:
        code = self._device_codes.get(text)
        if code is None:
            raise SignInError("expired_token", 70020, "The provided value for the device code is not valid.")
        code.polls += 1
        if self._settings.device_polls < 0:
            raise SignInError("authorization_declined", 70018, "The user declined the request.")
        if code.polls <= self._settings.device_polls:
            raise SignInError("authorization_pending", 70016, "Authorization is pending. Continue polling.")
        del self._device_codes[text]
        return code.resource

    def _delegated(self, app: Registration, form: Mapping[str, str], resource: str) -> Reply:
        token = self._directory.issue(app, resource, delegated=True, claims=form.get("claims", ""))
        refresh, wall = secrets.token_urlsafe(32), int(self._directory.wall())
        self._directory.refresh_tokens[refresh] = app, resource
        who = {"oid": str(uuid.uuid5(uuid.NAMESPACE_DNS, app.user)), "tid": app.tenant, "preferred_username": app.user}
        id_token = {
            **who,
            "aud": app.client_id,
            "iss": f"{self.base_url}/{app.tenant}/v2.0",
            "sub": who["oid"],
            "iat": wall,
            "nbf": wall,
            "exp": wall + self._settings.token_lifetime,
        }
        client_info = orjson.dumps({"uid": who["oid"], "utid": app.tenant})
        return answer(
            {
                **token,
                "scope": " ".join(f"{resource}/{scope}" for scope in app.scopes),
                "refresh_token": refresh,
                "id_token": self._directory.sign(id_token),
                "client_info": base64.urlsafe_b64encode(client_info).rstrip(b"=").decode(),
            }
        )

    def identity(self, call: Call) -> Reply:
        """Answer a managed identity request, as the virtual machine's or the app service's endpoint does."""
        proof = call.headers.get("x-identity-header")
        if proof is None and call.headers.get("metadata") != "true":
            return answer(
                {"error": "invalid_request", "error_description": "Required metadata header not specified"}, 400
            )
        if proof is not None and not secrets.compare_digest(proof, self.identity_header):
            return answer({"statusCode": 403, "message": "The identity header is wrong"}, 403)
        wanted = call.query.get("client_id", self._settings.client_id)
        try:
            app = self._directory.application(self._settings.tenant_id, wanted)
        except SignInError:
            return answer({"error": "invalid_request", "error_description": "Identity not found"}, 400)
        call.caller = call.caller._replace(tenant=app.tenant, app=app.client_id)
        token = self._directory.issue(app, call.query.get("resource", ""), delegated=False)
        expires_on = int(self._directory.wall()) + self._settings.token_lifetime
        return answer(
            {
                "access_token": token["access_token"],
                "client_id": app.client_id,
                "expires_in": str(token["expires_in"]),
                "expires_on": str(expires_on),
                "resource": call.query.get("resource", ""),
                "token_type": "Bearer",
            }
        )


def refusal(problem: SignInError, moment: str) -> Reply:
    """Return the error document of the token endpoint."""
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    text = f"AADSTS{problem.number}: {problem.text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {moment}"
    document = {
        "error": problem.error,
        "error_description": text,
        "error_codes": [problem.number],
        "timestamp": moment,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={problem.number}",
    }
    return answer(document, problem.status)


def _form(call: Call) -> dict[str, str]:
    return dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))


def _resource(form: Mapping[str, str], endings: tuple[str, ...]) -> str:
    for scope in form.get("scope", "").split():
        if scope in _OPENID_SCOPES:
            continue
        for ending in endings:
            if scope.endswith(ending):
                return scope.removesuffix(ending).rstrip("/")
    text = f"The provided value for the input parameter 'scope' is not valid: '{form.get('scope', '')[:80]}'."
    raise SignInError("invalid_scope", 70011, text)

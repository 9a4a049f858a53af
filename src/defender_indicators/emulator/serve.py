"""The emulator as a process of its own, for a terminal or a script."""

from __future__ import annotations

import gc
import secrets
import shlex
import signal
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from defender_indicators.emulator.credentials import ClientCertificate, read_certificate
from defender_indicators.emulator.server import Emulator
from defender_indicators.emulator.settings import Settings
from defender_indicators.errors import ConfigurationError
from defender_indicators.private import private_folder

_GC_THRESHOLD = 50_000
"""A process that keeps 15,000 rows spends half its time looking for garbage at Python's default of 700."""


def serve(  # noqa: PLR0913 - one keyword for each option of the command line
    settings: Settings | None = None,
    *,
    faults: Iterable[str] = (),
    state: Path | None = None,
    directory: Path | None = None,
    env_file: Path | None = None,
    certificate: Path | None = None,
    out: TextIO | None = None,
) -> None:
    """Run an emulator until SIGINT or SIGTERM; call it from the main thread.

    Args:
        settings: how the tenant behaves.
        faults: switches that are on from the start.
        state: a file that keeps the indicators across restarts.
        directory: where ``ca.pem`` and ``client-secret`` are put and kept; None uses a temporary one.
        env_file: where the ``export`` lines are put as well; it appears once the emulator answers.
        certificate: a PEM file whose certificate the application may sign in with.
        out: where the ``export`` lines go; standard output if None.

    Raises:
        ConfigurationError: a file cannot be used, or the port is taken.
        InputError: a fault is unknown.
    """
    settings = settings or Settings()
    if directory:
        settings = replace(settings, client_secret=_kept_secret(directory, settings.client_secret))
    emulator = Emulator(settings, faults=faults, state=state, directory=directory)
    if certificate:
        emulator.registration.certificates.append(_certificate(certificate))
    stop = threading.Event()
    previous = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        emulator.start()
    except OSError as problem:
        raise ConfigurationError(f"emulator port {settings.port}: {problem.strerror}; choose another --port") from None
    try:
        gc.set_threshold(_GC_THRESHOLD)
        _announce(emulator.environment(), env_file, out or sys.stdout)
        stop.wait()
    finally:
        emulator.stop()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _announce(environment: Mapping[str, str], env_file: Path | None, out: TextIO) -> None:
    lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())
    if env_file:
        _write_private(env_file, lines)
    out.write(
        f"# Defender emulator at {environment['DEFENDER_API_URL']}; stop it with Ctrl-C. In another terminal:\n{lines}"
    )
    out.flush()


def _kept_secret(directory: Path, wanted: str) -> str:
    file = directory / "client-secret"
    secret = wanted or (file.read_text(encoding="utf-8").strip() if file.exists() else "") or secrets.token_urlsafe(30)
    try:
        private_folder(directory)
    except OSError as error:
        raise ConfigurationError(f"{directory}: cannot be made: {error.strerror}") from None
    _write_private(file, f"{secret}\n")
    return secret


def _write_private(file: Path, text: str) -> None:
    scratch = file.with_name(f"{file.name}.new")
    try:
        scratch.touch(mode=0o600)
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(file)
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be written: {error.strerror}") from None


def _certificate(file: Path) -> ClientCertificate:
    try:
        return read_certificate(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ConfigurationError(f"{file}: holds no certificate; give the public PEM file") from None

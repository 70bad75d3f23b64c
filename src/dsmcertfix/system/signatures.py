"""Verifies detached signatures, by the programs that make them: ssh-keygen of OpenSSH, and minisign.

A key is configured by its file; then a file without a good signature is refused. Nothing is signed here.
"""

from __future__ import annotations

import os
from pathlib import Path

from dsmcertfix.errors import DsmcertfixError, NotPermitted
from dsmcertfix.system.base import Platform
from dsmcertfix.system.process.output import Completed
from dsmcertfix.system.process.run import clean_environment, run

NAMESPACE = "dsmcertfix-policy"
"""What an OpenSSH signature must be for (`ssh-keygen -Y sign -n`): one for another thing does not count."""

SIGNERS, MINISIGN_KEY = "policy.allowed_signers", "policy.pub"
"""The files, in the directory of the machine's configuration, that configure who may sign."""

_LIMIT_S = 20.0


def require_signed(platform: Platform, file: Path) -> str | None:
    """Who signed the file; None where no key is configured on this machine.

    Raises NotPermitted for a file without a good signature by a configured key, or where it cannot be told.
    """
    keys = platform.configuration()
    if keys is None:
        return None
    signers, key = keys / SIGNERS, keys / MINISIGN_KEY
    if os.path.lexists(signers):
        return _by_ssh(platform, file, signers)
    if os.path.lexists(key):
        return _by_minisign(platform, file, key)
    return None


def _by_ssh(platform: Platform, file: Path, signers: Path) -> str:
    program, signers = _program(platform, "ssh-keygen"), _vouched(platform, signers)
    signature = Path(f"{file}.sig")
    _require_there(signature, file)
    found = _run(program, "-Y", "find-principals", "-s", str(signature), "-f", str(signers))
    who = found.stdout.split("\n", 1)[0].strip()
    if found.returncode != 0 or not who:
        raise _refused(file, f"no key of `{signers}` made `{signature}`")
    words = ("-Y", "verify", "-n", NAMESPACE, "-I", who, "-s", str(signature), "-f", str(signers))
    if _run(program, *words, stdin=file).returncode != 0:
        raise _refused(file, f"`{signature}` is not a signature of its content for `{NAMESPACE}`")
    return who


def _by_minisign(platform: Platform, file: Path, key: Path) -> str:
    program, key = _program(platform, "minisign"), _vouched(platform, key)
    signature = Path(f"{file}.minisig")
    _require_there(signature, file)
    words = ("-V", "-q", "-p", str(key), "-x", str(signature), "-m", str(file))
    if _run(program, *words).returncode != 0:
        raise _refused(file, f"`{signature}` is not a signature of its content by the key in `{key}`")
    return str(key)


def _run(program: Path, *words: str, stdin: Path | None = None) -> Completed:
    return run([str(program), *words], env=clean_environment(), timeout_s=_LIMIT_S, stdin=stdin)


def _program(platform: Platform, name: str) -> Path:
    for place in platform.own_programs(name):
        if place.exists():
            return _vouched(platform, place)
    raise NotPermitted(
        "policy-not-signed",
        f"a key is configured for policies, and there is no `{name}` on this machine to verify them with",
    )


def _vouched(platform: Platform, file: Path) -> Path:
    try:
        return platform.vouched(file)
    except DsmcertfixError as error:
        raise NotPermitted(
            "policy-not-signed", f"policies cannot be verified: {error.message}", hint=error.hint
        ) from error


def _require_there(signature: Path, file: Path) -> None:
    if not signature.exists():
        raise _refused(file, f"there is no `{signature}`")


def _refused(file: Path, why: str) -> NotPermitted:
    return NotPermitted("policy-not-signed", f"the policy `{file}` is not signed as it must be: {why}")

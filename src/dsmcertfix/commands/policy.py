"""The site's policy: where it is and whose word it is; and the use case `policy check`."""

from __future__ import annotations

from datetime import date, datetime, timezone
from hashlib import sha256
from pathlib import Path

from dsmcertfix import NamedTuple, budgets
from dsmcertfix.errors import DsmcertfixError, NotFound, NotPermitted, UsageError
from dsmcertfix.ibm.certificate_file import certificates_of_file
from dsmcertfix.ibm.key_database.certificate import describe
from dsmcertfix.ibm.key_database.chain import out_of_date
from dsmcertfix.model import Certificate
from dsmcertfix.planning import policy_text
from dsmcertfix.planning.policy import Policy
from dsmcertfix.report.result import Report, decided
from dsmcertfix.system.host import Host, host_name
from dsmcertfix.system.signatures import require_signed
from dsmcertfix.wording import counted


class Loaded(NamedTuple):
    """A policy, and what is to be said of it: files that are not at hand, say."""

    policy: Policy
    warnings: tuple[str, ...] = ()


def load(host: Host, path: Path) -> Loaded:
    """The policy in that file, which this machine may go by.

    Raises NotFound for a file that is not there, NotPermitted for one that others can change, whose last day
    is over, or that is not signed where a key is configured, UsageError for one that makes no sense.
    """
    _require_ours(host, path)
    require_signed(host.platform, path)
    loaded = _read(path)
    _require_current(loaded.policy)
    return loaded


def check(host: Host, path: Path) -> Report:
    """What is to be said of a policy's file. Raises as `load` does for what makes no sense or is over.

    That machines would not go by the file where it is, is only told: it may be checked before it is rolled
    out.
    """
    loaded = _read(path.absolute())
    _require_current(loaded.policy)
    warnings = loaded.warnings
    try:
        _require_ours(host, path.absolute())
        require_signed(host.platform, path.absolute())
    except DsmcertfixError as error:
        warnings += (error.message,)
    count = sum(len(rule.certificates) for rule in loaded.policy.servers)
    servers = counted(len(loaded.policy.servers), "server")
    until = f", until {loaded.policy.expires}" if loaded.policy.expires else ""
    comment = f"the policy is valid{until}: {servers}, {counted(count, 'certificate')}"
    return decided(
        Report("policy check", host_name(), comment=comment, warnings=(*warnings, *_doubts(loaded)))
    )


def _require_ours(host: Host, path: Path) -> None:
    try:
        host.platform.vouched(path)
    except NotFound as error:
        raise NotFound("policy-not-found", f"there is no policy `{path}`") from error
    except NotPermitted as error:
        raise NotPermitted(
            "policy-not-trusted",
            f"the policy `{path}` could be another's word: {error.message}",
            hint=error.hint,
        ) from error


def _require_current(policy: Policy) -> None:
    if policy.expires is not None and policy.expires < _today():
        raise NotPermitted(
            "policy-expired", f"the policy `{policy.source}` ended on {policy.expires}, as it says itself"
        )


def _today() -> date:
    return datetime.now(timezone.utc).date()


def _read(path: Path) -> Loaded:
    policy = policy_text.parse(_text_of(path), path)
    handed: dict[str, Certificate] = {}
    warnings: list[str] = []
    for rule in policy.servers:
        for one in rule.certificates:
            if one.file is None:
                continue
            file = path.parent / one.file
            try:
                held = {sha256(der).hexdigest(): der for der in certificates_of_file(file)}
            except NotFound as error:
                warnings.append(f"{error.message}: SHA-256 {one.sha256} of {rule.names[0]} is not at hand")
                continue
            if one.sha256 not in held:
                raise UsageError(
                    "policy-file-without-certificate",
                    f"`{path}`: the file `{file}` does not hold the certificate of {rule.names[0]} with "
                    f"SHA-256 {one.sha256}",
                    context=tuple(f"in the file: SHA-256 {other}" for other in held),
                )
            handed[one.sha256] = describe(held[one.sha256], one.sha256[:8])
    return Loaded(policy._replace(handed=handed), tuple(warnings))


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(budgets.POLICY.cap + 1)
    except FileNotFoundError as error:
        raise NotFound("policy-not-found", f"there is no policy `{path}`") from error
    except OSError as error:
        raise NotPermitted(
            "policy-not-readable", f"the policy `{path}` cannot be read: {error.strerror}"
        ) from error
    if len(content) > budgets.POLICY.cap:
        message = f"`{path}` has {budgets.POLICY.exceeded().partition(':')[0]}"
        raise UsageError("policy-not-valid", message)
    try:
        # Windows' own editors begin a text with a mark.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"`{path}`, line {line}: it is not UTF-8, as TOML must be"
        raise UsageError("policy-not-valid", message) from error


def _doubts(loaded: Loaded) -> tuple[str, ...]:
    """What is allowed to stand in a policy, and is hardly meant."""
    lines = []
    now = datetime.now(timezone.utc)
    for rule in loaded.policy.servers:
        name = rule.names[0]
        current = [one for one in rule.certificates if not one.ended(now.date())]
        if not current and not rule.first_use:
            lines.append(f"every certificate of {name} has ended: nothing is fetched from it")
        for one in current:
            certificate = loaded.policy.handed.get(one.sha256)
            if one.file is None:
                lines.append(
                    f"no file is named for SHA-256 {one.sha256} of {name}: a store can have it by a session "
                    "only, once the server presents it"
                )
            elif certificate is not None and out_of_date(certificate, now) is not None:
                lines.append(
                    f"SHA-256 {one.sha256} of {name} is valid from {certificate.first_day} until "
                    f"{certificate.last_day}: it is not put in today"
                )
    return tuple(lines)

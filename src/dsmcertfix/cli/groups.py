"""Options that stand together in several commands, each group written down once."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, get_type_hints

from dsmcertfix import NamedTuple
from dsmcertfix.cli import formats as told
from dsmcertfix.cli import options as given

if TYPE_CHECKING:
    from dsmcertfix.ibm.server.distribution import Distribution


class Selecting(NamedTuple):
    """Which certificates and stores are meant."""

    server: given.Servers = None
    label: given.Labels = None
    fingerprint: given.Fingerprints = None
    expired: given.Expired = False
    expires_within: given.ExpiresWithin = 0
    store: given.Stores = None


class Expecting(NamedTuple):
    """Which certificates may come."""

    expect_sha256: given.ExpectSha256 = None
    expect_file: given.ExpectFile = None
    trust_on_first_use: given.TrustOnFirstUse = False


class Departing(NamedTuple):
    """How a plan departs from the usual one, and how it is carried out."""

    no_preflight: given.NoPreflight = False
    no_reconnect: given.NoReconnect = False
    keep_index: given.KeepIndex = False
    engine: given.Engine = given.EngineName.auto
    timeout: given.Timeout = given.PROGRAM_LIMIT_S


class Distributing(NamedTuple):
    """Which certificates client schedules bring to nodes, and what runs there."""

    file: given.Distributed = None
    server: given.CalledServer = None
    domain: given.Domain = None
    program: given.Program = None

    def distribution(self) -> Distribution | None:
        """As the macro's maker wants it; None where nothing was given. Raises for a bad file."""
        if self == Distributing():
            return None
        from dsmcertfix.ibm.certificate_file import certificates_of_file
        from dsmcertfix.ibm.server.distribution import Distribution

        certificates = certificates_of_file(self.file) if self.file is not None else ()
        return Distribution(tuple(dict.fromkeys(certificates)), self.server, self.domain, self.program)


class Showing(NamedTuple):
    """How the result of a change is shown."""

    form: told.FormatOfChange = told.ChangeFormat.text
    exit_profile: told.ExitProfile = told.Profile.default
    console_logs: given.ConsoleLogs = False
    as_json: given.Json = False

    def telling(self) -> told.Telling:
        """The same as `run` wants it. Raises UsageError for what cannot be had together."""
        return told.telling(self.form, self.as_json, self.exit_profile)


def spread(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command as Typer reads it: the options of a group stand where it has the group as a parameter."""
    groups: dict[str, Any] = {}
    options: dict[str, Parameter] = {}
    hints = get_type_hints(command, include_extras=True)
    for name, parameter in signature(command).parameters.items():
        if not hasattr(hints[name], "_field_defaults"):
            options[name] = parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[name])
            continue
        group = groups[name] = hints[name]
        for option, hint in get_type_hints(group, include_extras=True).items():
            default = group._field_defaults[option]
            options[option] = Parameter(option, Parameter.KEYWORD_ONLY, default=default, annotation=hint)
    if not groups:
        return command

    def gathered(**values: Any) -> None:
        made = {name: group(*map(values.pop, group._fields)) for name, group in groups.items()}
        command(**values, **made)

    gathered.__name__, gathered.__doc__ = command.__name__, command.__doc__
    gathered.__annotations__ = {name: option.annotation for name, option in options.items()}
    gathered.__signature__ = Signature(list(options.values()))  # type: ignore[attr-defined]
    return gathered

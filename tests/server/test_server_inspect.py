"""`server inspect`: which servers there are, what they hold and exported, who trusts them, what to do."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from ssl import DER_cert_to_PEM_cert

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.server.conftest import MakeHost
from tests.server.host import OTHER_S, PEER, ServerHost, identity
from tests.shown import shown_only_if

from dsmbench.dsmserv import LABEL
from dsmbench.endpoint import AS_ROOT
from dsmbench.instance import Instance


def test_everything_about_a_server_that_needs_a_renewal(host: ServerHost) -> None:
    before = host.everything()
    answer = host.inspect()
    assert answer.code == 3
    (instance,) = answer.report["instances"]
    assert {
        name: instance[name]
        for name in ("directory", "owner", "running", "ports", "label", "sha256", "agrees", "days_left")
    } == {
        "directory": str(host.instance.directory),
        "owner": "tsminst1",
        "running": True,
        "ports": [host.instance.port],
        "label": LABEL,
        "sha256": host.instance.sha256,
        "agrees": True,
        "days_left": 39,
    }
    assert answer.statuses(host.instance.directory) == {
        LABEL: "expiring",
        OTHER_S: "superseded",
        PEER: "unknown",
    }
    assert "server renew --instance" in instance["action"][0]
    assert [item["sha256"] for item in answer.report["servers"]] == [host.instance.sha256]
    assert host.everything() == before


def test_a_server_with_time_left_needs_nothing(host: ServerHost) -> None:
    answer = host.inspect("--expires-within", "30")
    assert (answer.code, answer.report["instances"][0]["action"]) == (0, [])
    assert "no action needed" in answer.report["comment"]


def test_without_a_server_it_says_so(make_host: MakeHost) -> None:
    host = make_host()
    shutil.rmtree(host.instance.directory)
    answer = host.inspect()
    assert (answer.code, answer.problem) == (10, "no-server-instance")


@pytest.mark.parametrize("name", ["empty", "gone", "a file"])
def test_a_directory_that_is_no_instance_is_refused(make_host: MakeHost, name: str) -> None:
    host = make_host()
    place = host.directory / name
    if name == "empty":
        place.mkdir()
    elif name == "a file":
        place.touch()
    answer = host.inspect("--instance", place)
    assert (answer.code, answer.problem) == (10, "no-server-instance")


class TestFinding:
    """An instance that nothing in a usual place leads to."""

    @pytest.fixture
    def host(self, make_host: MakeHost) -> ServerHost:
        return make_host(place="/data/server one")

    def found(self, host: ServerHost) -> list[str]:
        return [item["directory"] for item in host.inspect().report.get("instances", [])]

    def test_it_is_found_when_it_runs(self, host: ServerHost) -> None:
        assert self.found(host) == []
        host.instance.start()
        assert self.found(host) == [str(host.instance.directory)]
        store = host.inspect().store(host.instance.directory)
        assert any("running dsmserv" in because for because in store["origin"])

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            (
                "etc/systemd/system/x.service",
                '[Service]\nExecStart=/opt/tivoli/tsm/server/bin/dsmserv -i "/data/server one" -q\n',
            ),
            ("etc/init.d/tsminst1", 'instance_dir="/data/server one"\ndsmserv -i $instance_dir\n'),
            ("opt/tivoli/tsm/server/bin/tsminst1", 'instance_dir="/data/server one"\n/x/dsmserv -i y\n'),
            ("etc/inittab", "tsm1:2:once:/x/rc.dsmserv -u tsminst1 -i '/data/server one' -q\n"),
            ("home/tsminst1/sqllib/userprofile", "export DSMI_CONFIG='/data/server one/tsmdbmgr.opt'\n"),
        ],
    )
    def test_it_is_found_by_what_starts_it_and_by_db2_s_profile(
        self, host: ServerHost, file: str, text: str
    ) -> None:
        path = host.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        assert self.found(host) == [str(host.instance.directory)]

    def test_it_is_found_when_it_is_named(self, host: ServerHost) -> None:
        answer = host.inspect("--instance", host.instance.directory)
        assert answer.store(host.instance.directory)["origin"] == ["named by --instance"]

    def test_two_instances_are_both_told_and_one_must_be_named_to_be_renewed(
        self, make_host: MakeHost
    ) -> None:
        host = make_host()
        other = host.endpoint.user("tsminst2")
        with Instance(host.endpoint, "TSM02", owner=other, identity=identity("second", 3000)):
            report = host.inspect().report
            assert [item["owner"] for item in report["instances"]] == ["tsminst1", "tsminst2"]
            assert [bool(item["action"]) for item in report["instances"]] == [True, False]
            answer = host.run("server", "renew", "--yes")
            assert (answer.code, answer.problem) == (2, "several-instances")


class TestWhatIsWrong:
    """An instance that is not as it should be."""

    @pytest.fixture
    def host(self, make_host: MakeHost) -> ServerHost:
        return make_host(identity=identity("long", 3000))

    def action(self, host: ServerHost) -> str:
        answer = host.inspect()
        assert answer.code == 3
        (line,) = answer.report["instances"][0]["action"]
        return str(line)

    def test_an_exported_file_of_another_certificate(self, host: ServerHost) -> None:
        host.instance.arm.write_bytes(identity("older").arm)
        assert "cert256.arm holds another certificate" in self.action(host)
        (arm,) = host.inspect().report["instances"][0]["arms"]
        assert (arm["label"], arm["sha256"]) == (OTHER_S, identity("older").sha256)

    def test_a_missing_exported_file(self, host: ServerHost) -> None:
        host.instance.arm.unlink()
        assert "there is no cert256.arm" in self.action(host)

    @pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nx\n", bytes(range(7, 71))])
    def test_an_exported_file_without_a_certificate(self, host: ServerHost, content: bytes) -> None:
        host.instance.arm.write_bytes(content)
        assert "cert256.arm is of no use" in self.action(host)

    def test_other_exported_files_are_told(self, host: ServerHost) -> None:
        made = identity("TSM2027", 900)
        (host.instance.directory / "TSM2027.arm").write_bytes(made.arm)
        arms = host.inspect().report["instances"][0]["arms"]
        assert [(arm["name"], arm["label"]) for arm in arms] == [
            ("cert256.arm", LABEL),
            ("TSM2027.arm", None),
        ]

    def test_a_server_that_was_not_restarted(self, host: ServerHost) -> None:
        host.instance.start()
        other = host.endpoint.user("other")
        with Instance(host.endpoint, "TSM02", owner=other, identity=identity("own", 3000)) as another:
            # Somebody exchanged the files under it.
            for path in another.directory.glob("cert*"):
                (host.instance.directory / path.name).write_bytes(path.read_bytes())
            (action,) = host.inspect("--instance", host.instance.directory).report["instances"][0]["action"]
        assert "restart it" in action

    @pytest.mark.parametrize(
        ("spoil", "code", "problem"),
        [
            (lambda place: (place / "cert.sth").unlink(), 14, "server-stash-missing"),
            (lambda place: (place / "cert.kdb").unlink(), 10, "no-server-key-database"),
            (lambda place: (place / "cert.kdb").write_bytes(b"x"), 14, "file-not-key-database"),
            (lambda place: turn_a_bit(place / "cert.kdb"), 14, "integrity-wrong"),
        ],
    )
    def test_a_key_database_that_cannot_be_edited_is_a_finding_and_no_renewal(
        self, host: ServerHost, spoil: object, code: int, problem: str
    ) -> None:
        spoil(host.instance.directory)  # type: ignore[operator]
        answer = host.inspect()
        assert (answer.code, answer.problem) == (code, problem)
        before = host.of_server()
        refused = host.run("server", "renew", "--yes", "--expires-within", "5000")
        assert (refused.code, refused.problem, host.of_server()) == (code, problem, before)
        # No client makes a server's files anew.
        assert "whole-store" not in answer.stdout + refused.stdout

    @shown_only_if(AS_ROOT, "a directory of two owners")
    def test_a_directory_of_two_owners_is_left_alone(self, host: ServerHost) -> None:
        stranger = host.endpoint.user("stranger")
        os.chown(host.instance.database, stranger.uid, stranger.gid)
        answer = host.inspect()
        assert (answer.code, answer.problem) == (12, "store-of-two-owners")

    @shown_only_if(AS_ROOT, "a link of a user's")
    def test_a_link_in_a_file_s_place_is_not_followed(self, host: ServerHost) -> None:
        arm = host.instance.arm
        arm.unlink()
        arm.symlink_to("/etc/shadow")
        answer = host.inspect()
        assert (answer.code, answer.problem) == (12, "not-a-regular-file")
        assert answer.report["instances"][0]["arms"][0]["sha256"] is None


def turn_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


class TestWhoTrustsIt:
    """The clients of the same machine."""

    def test_stores_that_hold_it_and_the_database_backup_that_does_not(self, host: ServerHost) -> None:
        instance, endpoint = host.instance, host.endpoint
        name = instance.add_database_backup()
        endpoint.stanza("TSM01", instance.server, node="HOST1")
        endpoint.store(certificates=[(endpoint.label("TSM01"), instance.presented)])
        stale = [(endpoint.label(name), identity("gone").der)]
        endpoint.store(user=instance.owner, certificates=stale)
        answer = host.inspect("--expires-within", "0")
        (told,) = answer.report["instances"]
        trusts = {item["store"]: (item["current"], item["database_backup"]) for item in told["trusted_by"]}
        assert trusts == {
            str(endpoint.ba_directory): (True, False),
            str(endpoint.home_store(instance.owner)): (False, True),
        }
        (line,) = told["action"]
        assert f"dsmcertfix fix --store {endpoint.home_store(instance.owner)}" in line

    @pytest.mark.parametrize("address", ["localhost", "127.0.0.1"])
    def test_its_own_client_that_trusts_what_was_before(self, host: ServerHost, address: str) -> None:
        instance, endpoint = host.instance, host.endpoint
        instance.register("HOST1")
        endpoint.stanza("TSM01", (address, instance.port), node="HOST1")
        label = endpoint.label("TSM01")
        endpoint.store(certificates=[(label, identity("gone").der)])
        answer = host.inspect("--expires-within", "0")
        (told,) = answer.report["instances"]
        (trust,) = told["trusted_by"]
        assert (trust["store"], trust["label"], trust["current"]) == (str(host.ba), label, False)
        (line,) = told["action"]
        assert (answer.code, line) == (
            3,
            f"the store in {host.ba} does not trust it yet: `dsmcertfix fix --store {host.ba}`",
        )
        assert host.fix("--store", host.ba).code == 0
        assert host.inspect("--expires-within", "0").code == 0

    def test_a_client_of_another_server_is_none_of_its_business(self, host: ServerHost) -> None:
        endpoint = host.endpoint
        endpoint.stanza("ELSE", ("localhost", host.instance.port + 1), node="HOST1", password=None)
        endpoint.stanza("FAR", ("192.0.2.1", host.instance.port), node="HOST1", password=None)
        gone = [(endpoint.label(name), identity(f"gone of {name}").der) for name in ("ELSE", "FAR")]
        endpoint.store(certificates=gone)
        answer = host.inspect("--expires-within", "0", "--timeout", "1")
        (told,) = answer.report["instances"]
        assert (answer.code, told["trusted_by"], told["action"]) == (0, [], [])

    def test_one_that_cannot_sign_on_is_not_told_to_run_what_would_be_refused(self, host: ServerHost) -> None:
        instance, endpoint = host.instance, host.endpoint
        endpoint.stanza("TSM01", ("localhost", instance.port), node="HOST1", password=None)
        endpoint.store(certificates=[(endpoint.label("TSM01"), identity("gone").der)])
        (line,) = host.inspect("--expires-within", "0").report["instances"][0]["action"]
        assert "would be refused: no password is stored" in line and "dsmc query session" in line


class TestFormats:
    """What monitoring is told."""

    def test_text_says_it_line_by_line(self, host: ServerHost) -> None:
        said = host.text("server", "inspect").stdout
        for line in (
            f"the server runs, port {host.instance.port}",
            "cert256.arm: the certificate that the server presents",
            "to do: `TSM Server SelfSigned SHA Key`: it expires on",
        ):
            assert line in said

    @pytest.mark.parametrize(
        ("days", "code", "word"), [(3000, 0, "OK"), (40, 1, "WARNING"), (-3, 2, "CRITICAL")]
    )
    def test_nagios_warns_before_it_runs_out(
        self, make_host: MakeHost, days: int, code: int, word: str
    ) -> None:
        host = make_host(identity=identity(f"nagios {days}", days))
        answer = host.text("server", "inspect", "--format", "nagios")
        assert answer.code == code
        assert answer.stdout.startswith(f"DSMCERTFIX {word}: ")
        assert (
            f"'TSM Server SelfSigned SHA Key in {host.instance.directory}'={days - 1};90:;0:" in answer.stdout
        )

    def test_nagios_is_told_of_other_work_as_critical(self, make_host: MakeHost) -> None:
        host = make_host()
        host.instance.arm.unlink()
        answer = host.text("server", "inspect", "--format", "nagios")
        assert answer.code == 2 and "there is no cert256.arm" in answer.stdout

    def test_nagios_does_not_know_without_an_instance(self, make_host: MakeHost) -> None:
        host = make_host()
        shutil.rmtree(host.instance.directory)
        assert host.text("server", "inspect", "--format", "nagios").code == 3

    def test_prometheus_gets_no_sample_that_detect_gives_it_too(self, host: ServerHost) -> None:
        endpoint, instance = host.endpoint, host.instance
        endpoint.stanza(
            "TSM01", ("localhost", instance.port), node="HOST1", passworddir="/home/tsminst1/tsminst1"
        )
        # The client's store is in the instance directory, under the server's own label.
        endpoint.store(instance.directory, certificates=[(LABEL, instance.presented)], owner=instance.owner)
        samples = []
        for command in (("server", "inspect"), ("detect",)):
            answer = host.text(*command, "--format", "prometheus")
            assert answer.code == 0
            families = list(text_string_to_metric_families(answer.stdout))
            samples.append(
                {(s.name, *sorted(s.labels.items())) for family in families for s in family.samples}
            )
        assert samples[0] and samples[1] and not samples[0] & samples[1]
        names = {name for name, *_ in samples[0]}
        assert {"dsmcertfix_server_action_needed", "dsmcertfix_instance_running"} <= names

    def test_the_result_can_go_to_a_file(self, host: ServerHost) -> None:
        file = host.directory / "server.prom"
        assert host.text("server", "inspect", "--format", "prometheus", "--output", file).code == 0
        assert "dsmcertfix_instance_certificate_expiry_timestamp_seconds" in file.read_text()


@shown_only_if(AS_ROOT, "another user's run")
def test_an_ordinary_user_sees_what_may_be_seen_and_no_error(host: ServerHost) -> None:
    host.instance.directory.chmod(0o755)
    answer = host.run_as(host.endpoint.user("alice"), "server", "inspect")
    assert answer.code == 12
    (instance,) = answer.report["instances"]
    assert [arm["sha256"] for arm in instance["arms"]] == [host.instance.sha256]


def test_the_pem_of_the_bench_is_what_the_server_writes(host: ServerHost) -> None:
    assert host.instance.arm.read_text() == DER_cert_to_PEM_cert(host.instance.presented)

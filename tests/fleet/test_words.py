"""One vocabulary: page, CSV, JSON, terminal and documentation call the same thing by the same name."""

from __future__ import annotations

import csv
import io
import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from tests.fleet.made import NOW, certificate, drawn, problem, refused, result
from tests.fleet.test_page import Parsed, data_of, page

from dsmcertfix.commands.fleet import in_numbers
from dsmcertfix.fleet import table as fleet_csv
from dsmcertfix.fleet.certificates import STANDINGS
from dsmcertfix.fleet.endpoints import STATES
from dsmcertfix.fleet.page.page import asset
from dsmcertfix.fleet.picture import Picture
from dsmcertfix.report.render.fleet_text import overview

DOCS = Path(__file__).parents[2] / "docs" / "fleet.md"


def table(heading: str) -> dict[str, str]:
    """The first two columns of the table of the page about fleets that is headed so."""
    lines = iter(DOCS.read_text(encoding="utf-8").splitlines())
    assert any(line.startswith(f"| {heading} |") for line in lines)
    assert next(lines).startswith("| --- |")
    found = {}
    for line in lines:
        if not line.startswith("| "):
            break
        name, meaning, *_ = (cell.strip() for cell in line.strip("|").split("|"))
        found[name] = meaning
    return found


def every_state() -> Picture:
    """One endpoint in each state, the most urgent first, and one that has what nobody else has."""
    old = certificate("B", "replaced")
    nothing = problem("no-store-found")
    values = (
        result("fix", 30, host="a", outcome="broken"),
        result("fix", 21, old, host="b", outcome="rolled-back", trouble=refused()),
        result("detect", 3, old, host="c"),
        result("fix", 16, old, host="d", trouble=problem("no-stored-password")),
        result(
            "detect", 16, certificate(status="not-checked"), host="e", trouble=problem("server-timed-out")
        ),
        result("fix", 0, certificate(), host="g", outcome="changed"),
        result("detect", 0, certificate(), host="h", presented=["A"]),
        result("detect", 10, host="i", stores=[], problem=nothing),
    )
    many = (result("detect", 0, certificate(), host=f"many{one}", presented=["A"]) for one in range(30))
    odd = result("detect", 0, certificate("C"), host="odd", presented=["C"])
    hosts = [*"abcdefghi", *(f"many{one}" for one in range(30)), "odd"]
    return drawn(*values, *many, odd, expected=hosts)


def words_of(picture: Picture, kind: str, name: str) -> list[str]:
    """What stands in the elements of that kind and class."""
    found = re.findall(rf'<{kind} class="{name}[^"]*"[^>]*>([^<]*)<', page(picture))
    return [str(one) for one in found]


def test_a_state_has_one_name_and_one_meaning_everywhere() -> None:
    picture = every_state()
    rows = list(csv.DictReader(io.StringIO("".join(fleet_csv.lines(picture)))))
    assert [row["state"] for row in rows if len(row["host"]) == 1] == [*STATES]
    assert words_of(picture, "span", "name s-") == [*STATES]
    assert [tuple(one) for one in data_of(picture)["states"]] == [*STATES.items()]
    assert [one.state for one in in_numbers(picture).states] == [*STATES]
    told = [
        line.split()[-1] for line in overview(in_numbers(picture)) if re.match(r" {2}[ ,\d]{9} \S+$", line)
    ]
    assert told == [*STATES]
    schema = json.loads(files("dsmcertfix").joinpath("report.schema.json").read_text(encoding="utf-8"))
    enums = re.findall(r'"state": {"enum": \[([^]]*)\]}', json.dumps(schema))
    assert [json.loads(f"[{one}]") for one in enums if "rolled-back" in one] == [[*STATES]]
    assert table("state") == STATES


def test_a_certificate_stands_under_the_same_name_on_the_page_and_in_the_documentation() -> None:
    badges = words_of(every_state(), "span", "badge")
    assert {"main", "only-here"} <= {*badges} <= {*STANDINGS}
    assert table("standing") == STANDINGS


def test_the_columns_of_the_table_are_called_as_those_of_the_csv_in_the_same_order() -> None:
    heads = re.findall(r'role="columnheader"[^>]*><button type="button">([^<]*)<', asset("fleet.html"))
    names = [head.lower().replace(" ", "_") for head in heads]
    assert len(names) == 7 and names == [name for name in fleet_csv.COLUMNS if name in names]
    assert tuple(table("column of the CSV")) == fleet_csv.COLUMNS


@pytest.mark.parametrize("name", ["odd_certificate", "older_than_a_day"])
def test_what_is_marked_in_the_csv_is_called_so_on_the_page_and_in_its_table(name: str) -> None:
    assert name in fleet_csv.COLUMNS
    words = name.replace("_", " ")
    old = drawn(result(host="old", at="2026-11-20T08:00:00Z"))
    assert any(words in " ".join(Parsed(page(picture)).words) for picture in (old, every_state()))
    assert f'"{words}"' in asset("fleet.js")
    assert words in " ".join(DOCS.read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    ("at", "old"),
    [
        ("2026-11-23T08:59:59Z", True),
        ("2026-11-23T09:00:00Z", False),
        ("2026-11-24T09:09:00Z", False),
        ("1999-01-01T00:00:00Z", True),
        (None, False),
    ],
)
def test_a_result_is_older_than_a_day_by_the_time_of_the_report(at: str | None, old: bool) -> None:
    assert NOW == 1_795_510_800, "2026-11-24 09:00 UTC"
    picture = drawn(result(host="a", at=at), result(host="b"), expected=("a", "b", "silent"))
    rows = list(csv.DictReader(io.StringIO("".join(fleet_csv.lines(picture)))))
    assert [row["older_than_a_day"] for row in rows] == ["yes" if old else "", "", ""]
    assert picture.old == old
    told = "1 endpoint</b></a> has only results that are older than a day"
    assert (told in page(picture)) == old and ('id="older"' in page(picture)) == old


def test_the_newest_result_says_whether_there_are_only_older_ones() -> None:
    assert drawn(result(at="2026-11-01T00:00:00Z"), result()).old == 0


def test_who_has_an_odd_certificate_is_not_in_order_although_its_state_is_healthy() -> None:
    values = [result("detect", 0, certificate(), host=f"h{one}", presented=["A"]) for one in range(30)]
    assert "Nobody has to act: 30 endpoints in order." in page(drawn(*values))
    odd = result("detect", 0, certificate("C"), host="odd", presented=["C"])
    picture = drawn(*values, odd)
    assert (picture.good, picture.states()["healthy"]) == (30, 31)
    assert "<b>1</b> of 31 endpoints needs somebody; 96.7 % are in order." in page(picture)


def test_every_link_leads_to_something_on_the_page() -> None:
    parsed = Parsed(page(every_state()))
    ids = {attributes["id"] for _, attributes in parsed.elements if "id" in attributes}
    links = [attributes["href"] for name, attributes in parsed.elements if name == "a"]
    assert {link.removeprefix("#") for link in links} <= ids
    assert {"#odd", "#state-broken", "#cause-0", "#certificate-0"} <= {*links}
    for _, attributes in parsed.elements:
        assert attributes.get("aria-labelledby", "endpoints") in ids


def test_causes_stand_before_everything_that_is_well() -> None:
    made = page(every_state())
    places = [
        made.index(f'id="{name}"')
        for name in ("h-causes", "h-states", "endpoints", "h-certificates", "h-ends")
    ]
    assert places == sorted(places)

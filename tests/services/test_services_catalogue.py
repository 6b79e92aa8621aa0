import datetime as dt

import pytest

from megalopolis.errors import BadInput
from megalopolis.region import Region
from megalopolis.region.read import read_region
from megalopolis.services.calendar import WorkingDays
from megalopolis.services.models import assumed_share, provenances
from megalopolis.services.read import read_catalogue
from megalopolis.services.state import catalogue_of


def test_china_has_the_procedures_and_every_planned_city(china_catalogue):
    region = read_region("china")
    planned = set(region.frame("clusters_planned")["city"])
    assert len(planned) == 98
    assert planned <= {c.id for c in china_catalogue.cities}
    assert {c.id for c in china_catalogue.cities} <= set(region.frame("cities")["id"])
    assert len(china_catalogue.procedures) == 22
    assert len(china_catalogue.evidence_types) >= 25
    assert catalogue_of(region) is catalogue_of(region)


def test_provinces_of_the_catalogue_are_those_of_the_region(china_catalogue):
    region: Region = read_region("china")
    admin1 = region.frame("cities").set_index("id")["admin1"]
    assert {c.id: c.province for c in china_catalogue.cities} == {c.id: admin1[c.id] for c in china_catalogue.cities}


def test_every_value_says_where_it_comes_from(china_catalogue):
    found = list(provenances(china_catalogue))
    kinds = {s.id: s.kind for s in china_catalogue.sources}
    assert len(found) > 400
    assert all(kinds[p.source] == "document" for p in found if p.status in ("sourced", "measured"))
    assert 0.5 < assumed_share(china_catalogue) < 1.0


def test_documents_that_pay_feed_more_than_two_procedures(china_catalogue):
    """The catalogue's own finding: a few evidence types feed many procedures."""
    uses = {}
    for service in china_catalogue.services:
        for evidence in {i.evidence for r in service.requirements for items in r.lists for i in items}:
            uses[evidence] = uses.get(evidence, 0) + 1
    assert all(uses[e] > 2 for e in ("identity_card", "household_book", "marriage_certificate"))


SPOILT = [
    ("services.yaml", "    lists:\n    - [articles]", "    lists: []", "has no list", "id: articles"),
    ("services.yaml", "    - [articles]", "    - []", "list of evidence types is empty", "- []"),
    ("evidence.yaml", "  issuer_sector: police\n", "", "nobody issues 'identity_card'", "id: identity_card"),
    (
        "evidence.yaml",
        "  needs: [identity_card]",
        "  needs: [pension_statement]",
        "circle",
        "needs: [pension_statement]",
    ),
    ("evidence.yaml", "{value: 2, low: 1,", "{value: -2, low: 1,", "greater than or equal to 0", "value: -2"),
    ("evidence.yaml", "{value: 2, low: 1,", "{value: 2, low: 3,", "not in order", "low: 3"),
    ("evidence.yaml", "status: assumed, source: assumption}", "source: assumption}", "status' is missing", "minutes:"),
    ("evidence.yaml", "status: assumed,", "status: sourced,", "no document", "status: sourced"),
    ("services.yaml", "[lease]", "[leese]", "did you mean lease", "[leese]"),
    ("services.yaml", "  authority: market", "  authority: markt", "'markt' is not in sectors", "authority: markt"),
    ("services.yaml", "- id: company_change", "- id: company_registration", "stands twice", ""),
    ("catalogue.yaml", "schema_version: 1", "schema_version: 2", "is of schema 2", "schema_version: 2"),
    ("catalogue.yaml", "issuing_city: '*'", "issuing_city: Atlantis", "'Atlantis' is not in cities", "Atlantis"),
    ("catalogue.yaml", "'2025-01-01'", "'2025-02-30'", "is not a date", "'2025-02-30'"),
    ("catalogue.yaml", "'2025-01-01'", "'2031-01-01'", "not in the years", "'2031-01-01'"),
    ("cities.yaml", "waives: [premises,", "waives: [premisses,", "which is no requirement", "service: open_restaurant"),
    ("cities.yaml", "province: Beijing", "provence: Beijing", "is not known here", "provence"),
]


@pytest.mark.parametrize(("name", "old", "new", "said", "at"), SPOILT)
def test_every_problem_is_named_with_its_line(folder, name, old, new, said, at):
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(BadInput) as caught:
        read_catalogue(folder)
    found = [p for p in caught.value.problems if said in str(p)]
    assert found, str(caught.value)
    if at:
        lines = path.read_text("utf-8").splitlines()
        number = int(found[0].where.split(":")[1])
        near = " ".join(lines[max(0, number - 2) : number + 2])
        assert found[0].where.startswith(f"{name}:")
        assert at in near, f"{found[0]}: {near}"


def test_all_problems_at_once(folder):
    path = folder / "services.yaml"
    path.write_text(path.read_text("utf-8").replace("[lease]", "[leese]").replace("[photo]", "[foto]"), "utf-8")
    with pytest.raises(BadInput) as caught:
        read_catalogue(folder)
    assert len(caught.value.problems) >= 5


def test_a_folder_without_documents(tmp_path):
    with pytest.raises(BadInput, match="no catalogue"):
        read_catalogue(tmp_path)


def test_working_days_of_years_as_the_council_counts_them(china_catalogue):
    calendar = WorkingDays.of(china_catalogue.calendars[0])
    for year, holidays, weekends in ((2024, 11, 104), (2025, 13, 104)):
        days = [dt.date(year, 1, 1) + dt.timedelta(days=i) for i in range(366 if year == 2024 else 365)]
        assert sum(calendar.works(d) for d in days) == len(days) - holidays - weekends


def test_periods_run_around_holidays(china_catalogue):
    calendar = WorkingDays.of(china_catalogue.calendars[0])
    assert calendar.after(dt.date(2025, 9, 30), 1) == dt.date(2025, 10, 9)
    assert calendar.after(dt.date(2025, 9, 30), 3) == dt.date(2025, 10, 11)  # a Saturday that is worked
    assert calendar.after(dt.date(2025, 9, 30), 3, "calendar") == dt.date(2025, 10, 3)
    assert calendar.after(dt.date(2025, 9, 30), 0) == dt.date(2025, 9, 30)
    with pytest.raises(BadInput, match="does not know the year 2027"):
        calendar.after(dt.date(2026, 12, 31) if 2026 in calendar.years else dt.date(2027, 1, 1), 2)

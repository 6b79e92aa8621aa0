"""Declared industries: measures worked by hand, the table of the China pack, bad tables."""

from importlib import resources

import numpy as np
import pandas as pd
import pytest

import megalopolis as mp
from megalopolis.economy.declared import contested, overlap, shared, strategic_industries
from megalopolis.evaluation.declared import DOCUMENTS, KINDS, WELL_READ, declared_industries
from megalopolis.evaluation.signals import signals_of
from megalopolis.region.inspect import check_region
from megalopolis.region.read import read_region
from megalopolis.region.schema import schemas

FLAGS = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=bool)


def test_measures_by_hand():
    assert shared(FLAGS)[0, 1] == 2
    assert overlap(FLAGS)[0] == pytest.approx([1, 2 / 3, 0, 0])
    assert np.isnan(overlap(FLAGS)[3, 3])
    assert contested(FLAGS)[:3] == pytest.approx([1, 2 / 3, 0])
    assert np.isnan(contested(FLAGS)[3])


def test_toy(toy):
    found = declared_industries(toy)
    core = found.clusters.set_index("cluster").loc["core"]
    assert (core["cities"], core["covered"]) == (3, 2)
    assert core["residents_covered"] == pytest.approx(6 / 7)
    assert core["overlap"] == pytest.approx(1 / 3)  # Ann: chips, biomedicine; Ben: chips, vehicles
    assert core["contested"] == pytest.approx(1 / 2)
    assert core["well_read"] == 0
    assert np.isnan(core["overlap_well_read"])
    pair = found.pairs.iloc[0]
    assert pair["industries"] == ["chips"]
    assert pair["krugman"] == pytest.approx(2 * (2 / 3 - 1 / 4))  # manufacturing is 1/4 of Ann, 2/3 of Ben
    assert pair["krugman_employment"] == pytest.approx(2 * (0.8 - 0.5))  # of the employed 1/2 of Ann, 4/5 of Ben
    assert (core["own"], core["official"], core["press"]) == (1, 0, 1)
    leading = found.cities.set_index("city")
    assert leading["kind"].to_dict() == {"A": "own", "B": "press"}
    assert leading.loc["B", "leading"] == "manufacturing"
    assert leading.loc["B", "quotient"] == pytest.approx((2 / 3) / (110 / 300))
    alone = toy.frame("declared_industries")
    found = declared_industries(toy.replace({"declared_industries": alone[alone["city"] == "A"]}))
    assert np.isnan(found.cities["contested"].iloc[0])
    assert found.not_covered[0] == "B"
    assert declared_industries(toy.replace({"declared_industries": alone[:0]})) is None


def test_china_says_what_it_covers():
    china = mp.load_region("china")
    rows = china.frame("declared_industries")
    assert rows[["term", "title", "address"]].notna().all(axis=None)
    members = {c for group in china.names.clusters.values() for c in group}
    assert set(rows["city"]) <= members
    assert rows.loc[rows["text"] != "press", ["title", "passage"]].notna().all(axis=None)
    found = declared_industries(china)
    assert len(found.cities) + len(found.not_covered) == len(members)
    assert set(found.cities["city"]) == set(rows["city"])
    assert (found.clusters[list(KINDS)].sum(axis=1) == found.clusters["covered"]).all()
    assert found.clusters["covered"].sum() == rows["city"].nunique()
    own = rows[rows["text"].isin(KINDS["own"])]["city"].nunique()
    assert found.clusters["own"].sum() == own
    delta = found.industries[found.industries["cluster"] == "yangtze-delta"].set_index("industry")
    assert {"310100", "320500"} <= set(delta.loc["chips", "cities"])
    assert {"310100", "320500"} <= set(delta.loc["biomedicine", "cities"])


def test_sources_state_the_coverage_that_the_table_has():
    clusters = declared_industries(mp.load_region("china")).clusters
    counts = clusters[["cities", "covered", *KINDS]]
    said = (resources.files("megalopolis") / "region/packs/china/SOURCES.md").read_text(encoding="utf-8")
    section = said.split("## declared_industries.csv")[1].split("\n## ")[0]
    lines = [[x.strip() for x in line.strip("|").split("|")[1:]] for line in section.splitlines() if line[:2] == "| "][
        1:
    ]
    assert [[int(x) for x in line] for line in lines] == [*counts.to_numpy().tolist(), counts.sum().tolist()]


def test_overlap_of_well_read_cities_leaves_short_lists_out(toy):
    classes = list(strategic_industries())[: WELL_READ + 1]
    said = {"A": classes[:WELL_READ], "B": classes[1:], "C": classes[:1]}
    row = toy.frame("declared_industries").iloc[0].to_dict()
    table = pd.DataFrame([row | {"city": c, "industry": i} for c, named in said.items() for i in named])
    core = declared_industries(toy.replace({"declared_industries": table})).clusters.set_index("cluster").loc["core"]
    assert core["well_read"] == 2
    assert core["overlap_well_read"] == pytest.approx((WELL_READ - 1) / (WELL_READ + 1))
    assert core["overlap"] < core["overlap_well_read"]


def test_the_signal_is_the_mean_over_all_pairs_of_well_read_cities():
    e = mp.evaluate(mp.load_region("china"), only={"clusters", "travel"}, draws=0)
    pairs = e.declared.pairs
    row = next(r for s in signals_of(e) for r in s["indicators"] if r["id"] == "declared_overlap")
    assert row["value"] == pytest.approx(pairs.loc[pairs["fewest"] >= WELL_READ, "overlap"].mean())


def test_the_best_text_of_a_city_counts(toy):
    rows = toy.frame("declared_industries")
    better = rows[rows["city"] == "B"].assign(document="outline", text="official")
    found = declared_industries(toy.replace({"declared_industries": pd.concat([rows, better])}))
    assert found.cities.set_index("city").loc["B", "kind"] == "official"
    assert set(found.sources["text"]) == {"chapter", "press", "official"}


def test_without_sectors_nothing_is_said_of_output(toy):
    found = declared_industries(toy.replace({"industries": toy.frame("industries")[:0]}))
    assert found.pairs[["krugman", "krugman_employment"]].isna().all(axis=None)
    assert found.clusters["overlap"].notna().any()


def test_every_class_has_its_label():
    columns = schemas()["declared_industries"]
    assert set(strategic_industries()) == set(columns["industry"].choices)
    assert set(DOCUMENTS) == set(columns["document"].choices)
    assert {text for texts in KINDS.values() for text in texts} == set(columns["text"].choices)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("A,spaceships,14,outline,,press,A plan,somewhere", "declared_industries.csv:2:industry.*spaceships"),
        ("Q,chips,14,outline,,press,A plan,somewhere", "declared_industries.csv:2:city.*Q"),
        ("A,chips,14,rumour,,press,A plan,somewhere", "declared_industries.csv:2:document.*rumour"),
        ("A,chips,14,outline,,hearsay,A plan,somewhere", "declared_industries.csv:2:text.*hearsay"),
        ("A,chips,14,outline,,,A plan,somewhere", "declared_industries.csv:2:text"),
        ("A,chips,14,outline,,press,A plan,", "declared_industries.csv:2:address"),
    ],
)
def test_bad_rows_are_named(tmp_path, row, said):
    (tmp_path / "cities.csv").write_text("id,name,lon,lat,population\nA,Ann,0,0,1000\nB,Ben,1,0,1000\n")
    (tmp_path / "region.yaml").write_text("name: Small\ncurrency: EUR\nbase_year: 2020\n")
    head = "city,industry,plan,document,term,text,title,address\n"
    (tmp_path / "declared_industries.csv").write_text(head + row + "\n")
    with pytest.raises(mp.BadInput, match=said):
        read_region(tmp_path)


def test_sectors_against_gdp(tmp_path):
    head = "id,name,lon,lat,population,registered,gdp\n"
    (tmp_path / "region.yaml").write_text("name: Small\ncurrency: EUR\nbase_year: 2020\n")
    (tmp_path / "cities.csv").write_text(head + "A,Ann,0,0,1000,900,100\nB,Ben,1,0,1000,,100\n")
    industries = tmp_path / "industries.csv"
    industries.write_text("city,industry,value_added\nA,goods,60\nA,services,40\nB,goods,60\nB,services,45\n")
    report = check_region(str(tmp_path))
    assert not report.problems
    assert [str(w) for w in report.warnings if "sum to 105" in str(w)]
    industries.write_text("city,industry,value_added\nA,goods,60\nA,services,400\nB,goods,-1\nC,goods,3\n")
    problems = [str(p) for p in check_region(str(tmp_path)).problems]
    assert any("industries.csv:2:value_added" in p and "sum to 460" in p for p in problems)
    assert any("industries.csv:4:value_added" in p for p in problems)  # negative
    assert any("industries.csv:5:city" in p for p in problems)  # unknown
    (tmp_path / "cities.csv").write_text(head + "A,Ann,0,0,1000,-5,100\nB,Ben,1,0,1000,,100\n")
    assert any("cities.csv:2:registered" in str(p) for p in check_region(str(tmp_path)).problems)

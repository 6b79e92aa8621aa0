"""The toy region's numbers as worked by hand in docs/method/toy.md.

Every expected number below is the result of the arithmetic beside it, done without the package. Parameters are set to
round values, so that a later calibration of the defaults does not move them.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from megalopolis.economy.case import solve_pair
from megalopolis.evaluation import Evaluation, evaluate
from megalopolis.plan import Plan
from megalopolis.region import Region

PAGE = Path(__file__).parent.parent / "docs" / "method" / "toy.md"

SETTINGS = {
    "travel.road_detour": 1.3,
    "travel.road_streets_km": 10,
    "travel.road_regional_km": 60,
    "travel.road_streets_kmh": 30,
    "travel.road_regional_kmh": 60,
    "travel.road_motorway_kmh": 100,
    "travel.road_terminal_min": 15,
    "travel.access_reach_km": 60,
    "travel.built_up_core": 0.4,
    "travel.boarding_min": 30,
    "travel.dwell_min": 2,
    "travel.acceleration": 0.3,
    "travel.junction_min": 2,
    "travel.transfer_min": 30,
    "travel.speed_share_hsr": 0.9,
    "travel.speed_share_conventional": 0.75,
    "travel.call_half_population": 2_000_000,
    "travel.call_steepness": 1,
    "travel.operating_hours": 17,
    "travel.potential_scale": 120,
    "clusters.resolution_low": 0.2,
    "clusters.resolution_high": 3.2,
    "clusters.resolutions": 5,
    "services.queue_min": 20,
    "services.counter_min": 10,
    "services.local_minutes": 30,
    "services.fare_per_km": 0.5,
    "services.fare_detour": 1,
    "services.local_fare": 2,
    "services.paper_cost": 1,
    "services.form_scale": 1,
    "services.document_scale": 1,
    "services.elsewhere_share": 0.2,
    "services.cases_scale": 1,
    "services.value_of_time": 0,
    "environment.cost_scale": 0,
    "environment.cod_loss": 0.1,
    "environment.nitrification": 0.1,
    "environment.oxidation": 0.23,
    "environment.tp_loss": 0.03,
}
NOW, THEN, BUILT = ("baseline", 2020), ("baseline", 2030), ("plan", 2030)


@pytest.fixture(scope="module")
def worked(toy: Region, toy_plan: Plan) -> Evaluation:
    return evaluate(toy, toy_plan, settings=SETTINGS, draws=0)


def cell(worked: Evaluation, state: tuple[str, int], table: str, pair: str) -> float:
    return float(worked.result("travel", *state).tables[table].loc[pair[0], pair[1]])


@pytest.mark.parametrize(
    ("state", "pair", "minutes"),
    [
        # A call at 216 km/h (60 m/s) loses 60 / 0.3 = 200 s = 3.3333 min, and 2 min of dwell; chance at Ben 1/2.
        (NOW, "AB", 36.6667),  # 120 / 216 h = 33.3333; 3.3333
        (NOW, "AC", 72.6667),  # 240 / 216 h = 66.6667; 3.3333; call at Ben 5.3333 / 2 = 2.6667
        (NOW, "BC", 36.6667),
        (NOW, "BD", 81.3889),  # 120 / 90 h = 80; 25 / 0.3 s = 1.3889
        (NOW, "AD", 148.0556),  # 36.6667; transfer 30; 81.3889
        (NOW, "CD", 148.0556),
        (THEN, "AC", 72.7937),  # Ben has 2.2 M: chance 2.2 / 4.2; 66.6667 + 3.3333 + 2.7937
        (BUILT, "BD", 61.8519),  # 120 / 120 h = 60; 33.3333 / 0.3 s = 1.8519
        (BUILT, "CD", 38.3333),  # 180 / 324 h = 33.3333; 90 / 0.3 s = 5
        # 66.6667 + 33.3333; ends (3.3333 + 5) / 2; Ben 2.7937; at Cor (chance 1.1 / 3.1) half of both lines' call,
        # (5.3333 + 7) / 2 * 0.35484 = 2.1882; junction 2
        (BUILT, "AD", 111.1485),
    ],
)
def test_rides(worked: Evaluation, state: tuple[str, int], pair: str, minutes: float) -> None:
    assert cell(worked, state, "ride_minutes", pair) == pytest.approx(minutes, abs=1e-4)
    assert cell(worked, state, "ride_minutes", pair[::-1]) == pytest.approx(minutes, abs=1e-4)


@pytest.mark.parametrize(
    ("state", "pair", "minutes"),
    [
        # Access 2.6 * sqrt(0.4 * built-up / (2 pi)): Ann 13.1203, Ben 9.2774, Cor and Dee 6.5601.
        (NOW, "AB", 104.0644),  # rail: 13.1203 + 9.2774 + 30 + 15 + 36.6667
        (NOW, "AC", 137.3471),  # rail: 13.1203 + 6.5601 + 30 + 15 + 72.6667
        (NOW, "BC", 97.5043),  # rail: 9.2774 + 6.5601 + 30 + 15 + 36.6667
        (NOW, "BD", 135.7322),  # road: 85 + 0.6 * (1.3 * 111.1951 - 60); rail 157.2265
        (NOW, "AD", 171.6547),  # road: 85 + 0.6 * (1.3 * 157.2496 - 60); rail 227.7360
        (NOW, "CD", 150.0),  # the known road time
        (THEN, "AC", 137.4741),
        (BUILT, "AD", 90.0),  # the bridge; rail 175.8289
        (BUILT, "BD", 122.6894),  # rail: 9.2774 + 6.5601 + 30 + 15 + 61.8519
        (BUILT, "CD", 96.4536),  # rail: 6.5601 + 6.5601 + 30 + 15 + 38.3333
    ],
)
def test_door_to_door(worked: Evaluation, state: tuple[str, int], pair: str, minutes: float) -> None:
    assert cell(worked, state, "minutes", pair) == pytest.approx(minutes, abs=1e-4)
    assert cell(worked, state, "minutes", pair[::-1]) == pytest.approx(minutes, abs=1e-4)


def test_frequency_is_that_of_the_rarest_line(worked: Evaluation) -> None:
    assert cell(worked, NOW, "headway", "AC") == 30
    assert cell(worked, NOW, "headway", "AD") == 60
    assert cell(worked, BUILT, "headway", "AD") == 30


@pytest.mark.parametrize(
    ("state", "indicator", "values"),
    [
        # Own minutes 15 + 2.6 * sqrt(0.4 * built-up / pi): 33.5549, 28.1203, 24.2774, 24.2774.
        # Ann: 4 exp(-33.5549 / 120) + 2 exp(-104.0644 / 120) + exp(-137.3471 / 120) + exp(-171.6547 / 120)
        #    = 3.02427 + 0.84025 + 0.31836 + 0.23920
        (NOW, "accessibility", (4.42209e6, 4.02910e6, 3.26426e6, 2.70550e6)),
        (THEN, "accessibility", (4.84000e6, 4.39974e6, 3.56056e6, 2.89437e6)),
        # Dee: 4.4 exp(-90 / 120) + 2.2 exp(-122.6894 / 120) + 1.1 exp(-96.4536 / 120) + exp(-24.2774 / 120)
        #    = 2.07841 + 0.79140 + 0.49240 + 0.81684
        (BUILT, "accessibility", (5.07317e6, 4.43679e6, 3.72169e6, 4.17905e6)),
        # Ann: the sum 2 * 104.0644 + 137.3471 + 171.6547 over 4 M others
        (NOW, "mean_minutes", (129.2826, 108.2490, 127.7710, 158.2976)),
        (BUILT, "mean_minutes", (109.3403, 105.8196, 120.5064, 100.2618)),
        (NOW, "people_60", (4e6, 2e6, 1e6, 1e6)),  # the own city alone
        (NOW, "people_180", (8e6, 8e6, 8e6, 8e6)),  # everybody: the longest trip takes 171.65 min
        # 17 h * 60 / 30 * 2 = 68 trains of the East line, 34 of the North line
        (NOW, "trains_per_day", (68, 102, 68, 34)),
        (BUILT, "trains_per_day", (68, 136, 136, 136)),
        # 18 bn * 1.5, half of the km of the Link in either city; the station rebuilt in 2018; connectors of records
        # 1 + 2 M each in Ann, Ben and Cor; 4 M of the window in Ann, 2 M of the channel in Ben
        (BUILT, "investment", (7e6, 1.05e8, 13.503e9, 13.5e9)),
    ],
)
def test_indicators_of_cities(
    worked: Evaluation, state: tuple[str, int], indicator: str, values: tuple[float, ...]
) -> None:
    found = [worked.value(place, indicator, *state) for place in "ABCD"]
    assert found == pytest.approx(values, rel=2e-6)


@pytest.mark.parametrize(
    ("state", "indicator", "value"),
    [
        (NOW, "accessibility", 3.96454e6),  # (4 * 4.42209 + 2 * 4.02910 + 3.26426 + 2.70550) / 8
        (THEN, "accessibility", 4.34327e6),
        (BUILT, "accessibility", 4.63860e6),
        (NOW, "rail_km_all", 360),
        (BUILT, "rail_km_all", 540),
        (BUILT, "rail_km_high_speed", 420),
        (BUILT, "investment", 30.318e9),  # 0.1 + 27 + 1.2 + 2.0; 9 + 3 of the agreement, 4, 2 M
    ],
)
def test_indicators_of_the_region(worked: Evaluation, state: tuple[str, int], indicator: str, value: float) -> None:
    assert worked.value("region", indicator, *state) == pytest.approx(value, rel=2e-6)


def test_drivers(worked: Evaluation) -> None:
    cities = worked.state(*THEN).frame("cities").set_index("id")
    assert cities["population"].tolist() == pytest.approx([4.4e6, 2.2e6, 1.1e6, 1.0e6])  # * 1.1; Dee has its own series
    # Output per resident doubles: 200 * 1.1 * 2, 60 * 2.2, 20 * 2.2, 20 * 2
    assert cities["gdp"].tolist() == pytest.approx([440e9, 132e9, 44e9, 40e9])
    # Urban share * 0.75 / 0.625 = 1.2: 0.8, 0.5, 0.5, 0.3 become 0.96, 0.6, 0.6, 0.36
    assert cities["urban_population"].tolist() == pytest.approx([4.224e6, 1.32e6, 0.66e6, 0.36e6])


@pytest.mark.parametrize(
    ("indicator", "value"),
    [
        ("cluster_population", 7e6),
        ("share_population", 0.875),  # 7 / 8: whole units, the partial member too
        ("share_urban_population", 0.94),  # 4.7 / 5.0
        ("share_gdp", 0.933333),  # 280 / 300
        ("density", 350),  # 7 M / 20,000
        ("crowding", 6714.2857),  # 4.7 M / 700
        ("cohesion", 0.875912),  # 12,000 / 13,700
        ("cluster_minutes", 112.6366),  # (8 * 104.0644 + 4 * 137.3471 + 2 * 97.5043) / 14
        ("cluster_minutes_p90", 137.3471),  # 97.5 holds 2 of 14, 104.06 holds 10: 90 % is in the last pair
        ("cluster_people_1h", 3e6),  # (4 * 4 + 2 * 2 + 1 * 1) / 7
        ("duplication", 0.639535),  # (12,000 * 7/12 + 4,000 * 3/4 + 1,200 * 5/6) / 17,200
    ],
)
def test_planned_cluster(worked: Evaluation, indicator: str, value: float) -> None:
    assert worked.value("cluster:core", indicator, *NOW) == pytest.approx(value, rel=1e-6)


def test_tree_of_communities(worked: Evaluation) -> None:
    branches = worked.result("clusters", *NOW).tables["branches"].set_index("id")
    assert {id_: list(m) for id_, m in branches["cities"].items()} == {"A-1": list("ABCD"), "A-2": list("AB")}
    # Together at 0.2, 0.4, 0.8 of five resolutions, and Ann with Ben also at 1.6.
    assert branches.loc["A-1", "persistence"] == pytest.approx(3)
    assert branches.loc["A-2", "persistence"] == pytest.approx(1)
    assert branches.loc["A-2", "resolution_low"] == pytest.approx(0.8 * 2**0.5)
    assert branches.loc["A-2", "resolution_high"] == pytest.approx(1.6 * 2**0.5)
    assert (branches["stability"] == 1).all()
    assert branches.loc["A-1", "length_km"] == pytest.approx(222.3902, abs=1e-4)  # 2 degrees
    assert branches.loc["A-2", "cohesion"] == pytest.approx(8_000 / 11_500)


def test_planned_against_found(worked: Evaluation) -> None:
    planned = worked.result("clusters", *NOW).tables["planned"].iloc[0]
    assert planned["best_cluster"] == "A-1"  # 7 / 8, against 6 / 7 of Ann and Ben alone
    assert planned["jaccard"] == pytest.approx(0.875)
    assert worked.null_scores(*NOW)["provinces"].iloc[0] == pytest.approx(6 / 7)
    assert (list(planned["missing"]), list(planned["extra"])) == ([], ["D"])
    assert planned["maturity"] == "established"


def test_corridors(worked: Evaluation) -> None:
    for state, threshold, cities in ((NOW, 105, "ABC"), (NOW, 150, "ABCD"), (BUILT, 105, "ABCD")):
        table = worked.result("clusters", *state).tables["corridors"]
        first = table[(table["threshold_min"] == threshold) & (table["rank"] == 1)].iloc[0]
        assert list(first["cities"]) == list(cities)
    table = worked.result("clusters", *NOW).tables["corridors"]
    assert table["threshold_min"].min() == 105  # the second step of the tree, Ann-Ben, takes 104.0644 min


def mean(own: float, cross: float) -> float:
    """Minutes a year of a resident: 1 in 5 has another home."""
    return 0.8 * own + 0.2 * cross


# Trips to the mean home of Ann's residents from elsewhere, 8, 2 and 1 of 11 from Ben, Cor and Dee:
FAR_ANN = (8 * 104.0644 + 2 * 137.3471 + 171.6547) / 11  # 116.2604
FAR_ANN_BUILT = (8 * 104.0644 + 2 * 137.4741 + 90) / 11  # 108.8603


@pytest.mark.parametrize(
    ("state", "city", "minutes"),
    [
        # A move is registered at home: form 6, paper 6; trip 2 * 30 + 30 at home, 2 t + 30 from Ann. 0.1 a year.
        # A shop at work: form 6, papers 6 + 12, trip 90; the record is fetched at home, 2 t + 30. 0.01 a year.
        (NOW, "A", 0.1 * mean(102, 42 + 2 * FAR_ANN) + 0.01 * mean(114, 144 + 2 * FAR_ANN)),
        # The record is shared among Ann, Ben and Cor: 6 + 6 + 90, also within Ann; from Dee it is fetched, 144 + 2 * 90
        (
            BUILT,
            "A",
            0.1 * mean(102, 42 + 2 * FAR_ANN_BUILT) + 0.01 * mean(102, (10 * 102 + 324) / 11),
        ),
        # Ben's residents from Ann (8 of 12) register moves at a window in Ben; shops are filed online, 6 + 6
        (
            BUILT,
            "B",
            0.1 * mean(102, (8 * 102 + 2 * (42 + 2 * 97.5043) + 2 * (42 + 2 * 122.6894)) / 12)
            + 0.01 * mean(12, (10 * 12 + 2 * (24 + 30 + 2 * 122.6894)) / 12),
        ),
    ],
)
def test_paperwork(worked: Evaluation, state: tuple[str, int], city: str, minutes: float) -> None:
    assert worked.value(city, "service_hours", *state) == pytest.approx(minutes / 60, rel=2e-6)


def test_documents_and_trips_of_paperwork(worked: Evaluation) -> None:
    # Of 11 cases in Ann 10 are moves (1 paper), 1 is a shop (2 papers); with the plan 1 shop in 55 takes 2 papers (Dee)
    assert worked.value("A", "service_documents", *NOW) == pytest.approx(12 / 11)
    assert worked.value("A", "service_documents", *BUILT) == pytest.approx((10 + 1 + 0.2 / 11) / 11)
    # One visit each; a shop opened from elsewhere takes one at home as well
    assert worked.value("A", "service_visits", *NOW) == pytest.approx((11 + 0.2) / 11)
    assert worked.value("B", "procedures_without_travel", *NOW) == 0
    assert worked.value("B", "procedures_without_travel", *BUILT) == pytest.approx((0 + 10 / 12) / 2)


def test_policies_of_the_economy(worked: Evaluation) -> None:
    state, minutes = worked.state(*BUILT), worked.result("travel", *BUILT).tables["minutes"]
    found = solve_pair(state, minutes, minutes, worked.parameters.of_pillar("economy"))
    ease = found.new.model.mobility / found.base.model.mobility
    assert ease[:, 0] == pytest.approx([1, 1.3975, 1.3975, 1.3975], abs=5e-5)  # 0.8 ** -1.5
    assert ease[:, 1:] == pytest.approx(np.ones((4, 3)))
    goods, services = found.new.model.kernels / found.base.model.kernels
    assert goods == pytest.approx(np.ones((4, 4)))
    assert services[0] == pytest.approx([1, 1.5242, 1.5242, 1], abs=5e-5)  # 0.9 ** -4
    assert found.new.model.subsidy[0] == pytest.approx([0, 0.1, 0, 0])  # manufacturing comes first
    land = (1 - found.new.model.q) * (found.new.model.log_h - found.base.model.log_h)
    assert land == pytest.approx([0.0396, 0, 0, 0], abs=5e-5)  # 0.2174 * ln 1.2


@pytest.mark.parametrize(
    ("reach", "ammonia", "phosphorus"),
    [
        ("upper", 7929.9951, 1118.7296),  # 8,764 e^-0.1; 1,152.8 e^-0.03
        ("lower", 9548.5639, 1352.1117),  # (7,929.9951 + 2,622.8) e^-0.1; (1,118.7296 + 274.56) e^-0.03
        ("lake", 5399.2819, 1267.4017),  # (9,548.5639 + 1,250) / 2; (1,352.1121 + 125) * 0.858031
    ],
)
def test_water(worked: Evaluation, reach: str, ammonia: float, phosphorus: float) -> None:
    row = worked.result("environment", *NOW).tables["reaches"].set_index("reach").loc[reach]
    kg = 86.4 * row["flow_m3s"]
    assert (row["nh3n"] * kg, row["tp"] * kg) == pytest.approx((ammonia, phosphorus), rel=1e-7)


def test_sections(worked: Evaluation) -> None:
    tables = worked.result("environment", *NOW).tables
    rows = tables["sections"].set_index("section")
    assert list(rows["class"]) == ["III", "III", "V"]
    assert list(rows["complies"]) == [True, False, False]
    assert rows.loc["S2", "exceedance"] == pytest.approx(0.8419, abs=5e-5)  # 0.920965 / 0.5 - 1
    assert rows.loc["S3", "exceedance"] == pytest.approx(0.2224, abs=5e-5)  # 0.122242 / 0.1 - 1
    assert tables["lakes"]["tp_reckhow"].iloc[0] == pytest.approx(0.108259, abs=5e-7)
    shares = tables["attribution"].query("section == 'S2' and pollutant == 'nh3n'").set_index("city")["share"]
    # 8,000 e^-0.2 and 2,500 e^-0.1 of 9,548.5639
    assert shares.to_dict() == pytest.approx({"A": 0.68595, "B": 0.23690, "background": 0.07715}, abs=5e-6)


def test_cases_of_treatment(worked: Evaluation) -> None:
    tables = worked.result("environment", *NOW).tables
    totals = tables["case_totals"].set_index("case")
    assert totals["complying"].to_dict() == {"own": 1, "common": 2, "common_floor": 3, "least_cost": 3}
    cost = tables["cases"].set_index(["case", "city"])["cost"] / 1e6
    assert [cost["own", c] for c in "ABC"] == pytest.approx([292.2, 182.625, 91.3125])
    assert cost["common", "A"] == pytest.approx(365.25)
    assert [cost["least_cost", c] for c in "ABC"] == pytest.approx([385.9564, 273.9375, 91.3125], rel=1e-6)
    assert cost["common_floor", "A"] == pytest.approx(cost["least_cost", "A"])
    price = tables["prices"].set_index(["section", "pollutant"])["price"]
    assert price["S2", "nh3n"] == pytest.approx(660.7635e6, rel=1e-6)
    assert price.drop(("S2", "nh3n")).abs().max() == 0


def test_air(worked: Evaluation) -> None:
    tables = worked.result("environment", *NOW).tables
    assert tables["air"]["complies"].tolist() == [False, True]  # 40 and 24 against 35
    found = tables["air_modelled"].set_index(["receptor", "source"])
    assert found["concentration"].groupby("receptor").sum().to_dict() == pytest.approx({"A": 2.25, "B": 2.5})
    assert found.loc[("A", "A"), "share"] == pytest.approx(2 / 2.25)


@pytest.mark.parametrize(
    ("state", "place", "indicator", "value"),
    [
        (NOW, "region", "air_complying", 0.5),
        (NOW, "A", "pm25_observed", 40),
        (NOW, "region", "sections_complying", 1 / 3),
        (NOW, "region", "treatment_cost", 566.1375e6),  # 292.2 + 182.625 + 91.3125
        (THEN, "region", "nh3n_discharged", 15_510),  # 1.32 * 11,750
        (BUILT, "region", "nh3n_discharged", 9_240),  # 1.32 * (5,000 + 750 + 1,250)
        (BUILT, "region", "tp_discharged", 818.4),  # 1,320 * 0.4 + 660 * 0.24 + 330 * 0.4
        (BUILT, "region", "treatment_cost", 964.26e6),  # 1.32 * (365.25 + 273.9375 + 91.3125)
        (THEN, "B", "nh3n_at_sections", 1.192938),
        (BUILT, "B", "nh3n_at_sections", 0.678630),
    ],
)
def test_water_in_the_ledger(
    worked: Evaluation, state: tuple[str, int], place: str, indicator: str, value: float
) -> None:
    assert worked.value(place, indicator, *state) == pytest.approx(value, rel=1e-6)


def test_the_page_holds_the_same_numbers() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for line in SETTINGS:
        assert f"`{line}`" in text
    said = set(re.findall(r"\d+(?:\.\d+)?", text.replace(",", "")))
    for number in (
        "36.6667",
        "72.6667",
        "81.3889",
        "148.0556",
        "111.1485",
        "104.0644",
        "137.3471",
        "171.6547",
        "4.42209",
        "9548.5639",
        "385.9564",
        "660.7635",
    ):
        assert number in said

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from services_small import OWN, PARAMETERS, catalogue, evidence, minutes_of, service, value

from megalopolis.errors import BadInput
from megalopolis.services.burden import KINDS, World, burdens, interval, travel_of, world_of
from megalopolis.services.compile import HOME, compile_catalogue, legal_days
from megalopolis.services.models import PublicService
from megalopolis.services.quantity import Quantity, monetised, reform, standard_cost
from megalopolis.services.state import catalogue_of

HOURS, MONEY, PAPERS, VISITS, DAYS = range(5)
LON, LAT = np.array([0.0, 1.0, 2.0]), np.zeros(3)
MINUTES = np.array([[0.0, 60.0, 120.0], [60.0, 0.0, 60.0], [120.0, 60.0, 0.0]])


def burden_of(cat, *, minutes=MINUTES, world=None, **changes):
    parameters = {**PARAMETERS, **changes}
    compiled = compile_catalogue(cat)
    travel = travel_of(minutes, LON[: len(minutes)], LAT[: len(minutes)], parameters)
    return compiled, burdens(
        compiled, world_of(cat, compiled) if world is None else world(compiled), travel, parameters
    )


def test_entitlement_to_marry_needs_one_document():
    """The example of CCCEV: birth certificate or identity card, either suffices."""
    cat = catalogue(
        [evidence("birth", in_person=True), evidence("identity")], [service("marry", [[["birth"], ["identity"]]])]
    )
    compiled, burden = burden_of(cat)
    assert (burden.of("documents") == 1).all()
    taken = compiled.variants[0].ways[burden.way[0, 0, 1]]
    assert list(taken.papers) == ["identity"]  # the one that takes no trip


def test_worked_by_hand():
    """Home A, work B: form 6, paper 12 fetched in A (2 x 60 + 30), filed in B (2 x 30 + 30): 258 minutes."""
    cat = catalogue([evidence("e", minutes=12.0, in_person=True, fee=3.0, days=2.0)], [service("p", [[["e"]]])])
    _, burden = burden_of(cat)
    here = burden.values[:, 0, 0, 1]
    fare = 0.5 * 111.1950802
    np.testing.assert_allclose(here, [258 / 60, 3 + 1 + 2 * fare + 4, 1, 2, 7], rtol=1e-6)
    alone = burden.values[:, 0, 1, 1]  # paper and filing on one trip within B
    np.testing.assert_allclose(alone, [(6 + 12 + 90) / 60, 3 + 1 + 4, 1, 1, 7], rtol=1e-9)


def test_papers_of_one_city_share_a_trip_and_a_paper_asked_twice_is_fetched_once():
    both = catalogue(
        [evidence("e", in_person=True), evidence("f", in_person=True)],
        [service("p", [[["e"]], [["f"]], [["e"]]])],
    )
    one = catalogue([evidence("e", in_person=True)], [service("p", [[["e"]]])])
    two, first = burden_of(both)[1].values[:, 0, 0, 1], burden_of(one)[1].values[:, 0, 0, 1]
    assert two[VISITS] == first[VISITS] == 2
    assert two[PAPERS] == 2
    assert two[HOURS] == pytest.approx(first[HOURS] + 0.1)


def test_evidence_needed_for_evidence_is_fetched_unless_that_is_shared():
    cat = catalogue(
        [evidence("permit", needs=["register"], days=5.0, in_person=True), evidence("register", "work", days=3.0)],
        [service("p", [[["permit"]]])],
    )
    _, burden = burden_of(cat)
    assert burden.values[PAPERS, 0, 0, 1] == 2
    assert burden.values[DAYS, 0, 0, 1] == 5 + 5 + 3  # critical path: register, permit, decision
    link = {"issuing_city": "*", "consuming_sector": "police", "consuming_city": "*", "state": "live", **OWN}
    linked = catalogue(
        [evidence("permit", needs=["register"], days=5.0, in_person=True), evidence("register", "work", days=3.0)],
        [service("p", [[["permit"]]])],
        links=[{"evidence": "permit", **link}],
    )
    here = burden_of(linked)[1].values[:, 0, 0, 1]
    assert (here[PAPERS], here[VISITS], here[DAYS]) == (0, 1, 5)


def test_stages_run_side_by_side_where_they_say_so():
    _, found = service("p", [])
    stages = [
        {"id": "a", "sector": "police", "days": value(4)},
        {"id": "b", "sector": "police", "days": value(6), "after": []},
        {"id": "c", "sector": "police", "days": value(7), "basis": "calendar", "after": ["a", "b"]},
    ]
    assert legal_days(PublicService.model_validate({**found, "stages": stages}), pace=0.5) == 6 + 3.5


def test_channels_and_recognition():
    window = {"kind": "local_window", "visits": 2}
    proxy = {"kind": "proxy_window", "visits": 1, "needs_recognition": True}
    procedure = service("p", [], competence="home", channels=[window, proxy])
    base = catalogue([], [procedure])
    known = catalogue([], [procedure], recognitions=[{"sector": "police", "city": "A", "state": "live", **OWN}])
    before, after = burden_of(base)[1], burden_of(known)[1]
    assert before.values[HOURS, 0, 0, 1] == pytest.approx((6 + 2 * (120 + 30)) / 60)
    assert after.values[HOURS, 0, 0, 1] == pytest.approx((6 + 60 + 30) / 60)
    assert after.values[HOURS, 0, 1, 0] == before.values[HOURS, 0, 1, 0]  # B recognises nothing


def test_overrides_of_a_city_reach_that_city_alone():
    waived = {"service": "p", "waives": ["r0"], **OWN}
    cat = catalogue([evidence("e")], [service("p", [[["e"]]])])
    own = cat.model_copy(
        update={
            "cities": (
                cat.cities[0],
                type(cat.cities[1]).model_validate({**cat.cities[1].model_dump(), "overrides": [waived]}),
                cat.cities[2],
            )
        }
    )
    papers = burden_of(own)[1].of("documents")[0]
    assert papers[:, 1].tolist() == [0, 0, 0]
    assert (papers[:, [0, 2]] == 1).all()


def test_a_restaurant_in_shanghai(china_catalogue, defaults):
    """17 documents before, 2 after: 88.2 % less."""
    compiled = compile_catalogue(china_catalogue, ["310100", "320500"])
    travel = travel_of(np.array([[0.0, 90.0], [90.0, 0.0]]), LON[:2], LAT[:2], defaults)
    empty = World(
        np.zeros_like(world_of(china_catalogue, compiled).live), np.zeros((len(compiled.sectors), 2), dtype=np.uint8)
    )
    papers = burdens(compiled, empty, travel, defaults).of("documents")[compiled.procedures.index("open_restaurant")]
    assert papers[0].tolist() == [2, 17]
    assert papers[0, 0] / papers[0, 1] - 1 == pytest.approx(-0.882, abs=5e-4)


def by_hand(cat, compiled, world, minutes, home, work):
    """The least hours of one case, from the models alone: every list, every channel, in plain Python."""
    types = {e.id: e for e in cat.evidence_types}
    one = cat.services[0]
    competent = work if cat.procedures[0].competence == "work" else home
    best = np.inf
    for channel in one.channels:
        if channel.needs_recognition and not world.recognised[0, competent]:
            continue
        for lists in itertools.product(*(r.lists for r in one.requirements)):
            papers = {i.evidence for items in lists for i in items}
            manual, todo = set(), set(papers)
            while todo:
                id_ = todo.pop()
                role = types[id_].issuer_role
                city = {"home": home, "work": work, "national": len(compiled.cities)}.get(role)
                pair = (compiled.evidence.index(id_), 0)
                if pair in compiled.pairs and world.live[compiled.pairs.index(pair), city, competent]:
                    continue
                manual.add(id_)
                todo |= set(types[id_].needs) - manual
            spent = 6.0 + sum(types[m].obtain.minutes.value for m in manual)
            visits = {
                home if types[m].issuer_role == "home" else work: 1
                for m in manual
                if types[m].obtain.in_person and types[m].issuer_role not in ("self", "employer")
            }
            place = {"local_window": competent, "proxy_window": work}.get(channel.kind)
            if place is not None:
                visits[place] = max(visits.get(place, 0), channel.visits)
            spent += sum(n * (2 * (30.0 if c == work else minutes[work, c]) + 30.0) for c, n in visits.items())
            best = min(best, spent / 60.0)
    return best


@st.composite
def catalogues(draw):
    roles = st.sampled_from(["home", "work", "national", "self"])
    kinds = [
        evidence(
            f"e{i}",
            draw(roles),
            minutes=draw(st.integers(0, 60)),
            in_person=draw(st.booleans()),
            needs=[f"e{i + 1}"] if i < 3 and draw(st.booleans()) else [],
        )
        for i in range(4)
    ]
    listed = st.lists(
        st.lists(st.sampled_from(["e0", "e1", "e2", "e3"]), min_size=1, max_size=2, unique=True), min_size=1, max_size=3
    )
    channels = [{"kind": "local_window", "visits": draw(st.integers(1, 2))}]
    channels += draw(st.sampled_from([[], [{"kind": "proxy_window", "visits": 1, "needs_recognition": True}]]))
    one = service(
        "p", draw(st.lists(listed, max_size=3)), competence=draw(st.sampled_from(["home", "work"])), channels=channels
    )
    return catalogue(kinds, [one])


@settings(max_examples=60, deadline=None)
@given(catalogues(), st.integers(0, 2**16), st.randoms(use_true_random=False))
def test_kernel_finds_the_least_hours(cat, seed, random):
    compiled = compile_catalogue(cat)
    minutes, _ = minutes_of(3, seed)
    shape = world_of(cat, compiled).live.shape
    bits = np.random.default_rng(random.randrange(2**32))
    world = World(bits.integers(0, 2, shape).astype(np.uint8), bits.integers(0, 2, (2, 3)).astype(np.uint8))
    travel = travel_of(minutes, LON, LAT, PARAMETERS)
    burden = burdens(compiled, world, travel, PARAMETERS)
    for home, work in itertools.product(range(3), repeat=2):
        found = burden.values[HOURS, 0, home, work]
        assert found == pytest.approx(by_hand(cat, compiled, world, minutes, home, work), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(catalogues(), st.permutations(range(3)), st.integers(0, 2**16))
def test_relabelling_cities_changes_nothing(cat, order, seed):
    minutes, _ = minutes_of(3, seed)
    order = list(order)
    ids = [c.id for c in cat.cities]
    one = compile_catalogue(cat, ids)
    two = compile_catalogue(cat, [ids[i] for i in order])
    a = burdens(one, world_of(cat, one), travel_of(minutes, LON, LAT, PARAMETERS), PARAMETERS)
    moved = travel_of(minutes[np.ix_(order, order)], LON[order], LAT[order], PARAMETERS)
    b = burdens(two, world_of(cat, two), moved, PARAMETERS)
    np.testing.assert_allclose(a.values[:, :, order][:, :, :, order], b.values, rtol=1e-12)


def test_money_joins_the_choice_only_at_a_stated_value_of_time():
    cat = catalogue(
        [evidence("slow", minutes=60.0), evidence("dear", minutes=5.0, fee=100.0)],
        [service("p", [[["slow"], ["dear"]]])],
    )
    assert burden_of(cat)[1].values[MONEY, 0, 0, 0] > 100
    assert burden_of(cat, value_of_time=50.0)[1].values[MONEY, 0, 0, 0] < 100
    assert burden_of(cat, value_of_time=500.0)[1].values[MONEY, 0, 0, 0] > 100


def test_interval_holds_every_draw_of_hours(china_catalogue, defaults):
    ids = tuple(c.id for c in china_catalogue.cities[:6])
    minutes, points = minutes_of(6, 1)
    compiled = compile_catalogue(china_catalogue, ids)
    world = world_of(china_catalogue, compiled)
    ranges = {"queue_min": (5.0, 40.0)}
    low, high = interval(china_catalogue, ids, world, minutes, tuple(points.T), defaults, ranges)
    middle = burdens(
        compiled, world_of(china_catalogue, compiled), travel_of(minutes, *points.T, defaults), defaults
    ).of("hours")
    known = np.isfinite(middle)
    gaps = middle[known] - low.of("hours")[known], high.of("hours")[known] - middle[known]
    assert all((gap >= -1e-12).all() and (gap > 0).mean() > 0.5 for gap in gaps)


@pytest.mark.parametrize("bad", [-1.0, np.nan])
def test_bad_minutes_are_refused(bad):
    minutes = MINUTES.copy()
    minutes[0, 1] = bad
    with pytest.raises(ValueError, match="negative or missing"):
        travel_of(minutes, LON, LAT, PARAMETERS)


def test_what_cannot_be_reached_has_no_way():
    minutes = np.where(MINUTES > 100, np.inf, MINUTES)
    cat = catalogue(
        [evidence("e", in_person=True), evidence("f")], [service("p", [[["e"]]]), service("q", [[["e"], ["f"]]])]
    )
    _, burden = burden_of(cat, minutes=minutes)
    assert burden.way[0, 0, 2] == -1
    assert np.isnan(burden.values[:, 0, 0, 2]).all()
    assert burden.way[1, 0, 2] >= 0  # the other list takes no trip


def test_unknown_city_is_an_error(china_catalogue):
    with pytest.raises(BadInput, match="'X' is not in the catalogue"):
        compile_catalogue(china_catalogue, ["X"])


def test_hours_and_money_are_never_added():
    hours, money = Quantity(2.0, "h"), Quantity(30.0, "currency")
    with pytest.raises(TypeError, match="value of time"):
        hours + money
    with pytest.raises(TypeError):
        hours + 1.0
    with pytest.raises(TypeError):
        _ = hours < money
    assert monetised(hours, 25.0) + money == Quantity(80.0, "currency")
    with pytest.raises(TypeError):
        monetised(money, 25.0)
    with pytest.raises(ValueError, match="positive"):
        monetised(hours, 0.0)


def test_standard_cost_model_of_the_manual():
    assert standard_cost(3.0, 10.0, 100_000, 2) == Quantity(6_000_000.0, "currency")
    assert standard_cost(3.0, 10.0, 100_000, 2, overhead=0.25, usual=0.5).amount == pytest.approx(3_750_000)
    with pytest.raises(ValueError, match="negative"):
        standard_cost(-3.0, 10.0, 1, 1)


def test_burden_of_the_netherlands_per_head():
    assert Quantity(110e6, "h") * (1 / 16e6) == Quantity(6.875, "h")
    assert (Quantity(1.275e9, "currency") * (1 / 16e6)).amount == pytest.approx(79.69, abs=5e-3)


@given(st.tuples(*[st.floats(0, 1e6)] * 2), st.tuples(*[st.floats(0, 1e3)] * 2))
def test_reform_is_decomposed_without_rest(cases, minutes):
    found = reform(cases, minutes)
    assert found.total.amount == pytest.approx((cases[0] * minutes[0] - cases[1] * minutes[1]) / 60, rel=1e-9, abs=1e-3)


def test_no_catalogue_for_a_region_without_documents(toy):
    bare = replace(toy, tables={"cities": toy.tables["cities"]})
    assert catalogue_of(bare) is None
    assert len(KINDS) == 5
    assert HOME == 0

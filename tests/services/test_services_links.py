import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow
from services_small import OWN, PARAMETERS, catalogue, evidence, minutes_of, service, subsets

from megalopolis.pillar import CheckFailed
from megalopolis.services import linkplan
from megalopolis.services.burden import burdens, travel_of, world_of
from megalopolis.services.compile import compile_catalogue
from megalopolis.services.linkplan import marginal, optimise, phases, restricted, sequence
from megalopolis.services.options import options
from megalopolis.services.plandoc import document, lost_without
from megalopolis.services.program import Solved, modes, split


class Small:
    """A problem with random cases, small enough to try every set of parts."""

    def __init__(self, cat, seed, cities=None):
        rng = np.random.default_rng(seed)
        self.catalogue = cat
        self.compiled = compile_catalogue(cat, cities)
        minutes, points = minutes_of(len(cat.cities), seed)
        order = [[c.id for c in cat.cities].index(c) for c in self.compiled.cities]
        base = rng.integers(0, 4, (len(cat.procedures), len(order), len(order))).astype(float)
        self.demand = base[:, order][:, :, order]
        self.demand[self.compiled.cross_only[:, None, None] & np.eye(len(order), dtype=bool)[None]] = 0.0
        self.travel = travel_of(minutes[np.ix_(order, order)], *points[order].T, PARAMETERS)
        self.world = world_of(cat, self.compiled)
        self.options = options(cat, self.compiled, self.world, self.travel, self.demand, PARAMETERS)

    def hours(self, built):
        world = self.options.world(self.world, built)
        found = burdens(self.compiled, world, self.travel, PARAMETERS).of("hours")
        return float(np.nansum(self.demand * found))

    def brute(self, budget):
        parts = range(len(self.options.parts))
        best = 0.0
        for chosen in subsets(parts):
            if self.options.cost[list(chosen)].sum() <= budget + 1e-9:
                built = np.zeros(len(parts), dtype=bool)
                built[list(chosen)] = True
                best = max(best, self.options.saved(built))
        return best


@st.composite
def problems(draw):
    kinds = [
        evidence("e0", "home", minutes=draw(st.integers(5, 60)), in_person=draw(st.booleans())),
        evidence("e1", draw(st.sampled_from(["home", "national"])), minutes=draw(st.integers(5, 60)), in_person=True),
    ]
    listed = st.sampled_from([[["e0"]], [["e1"]], [["e0", "e1"]], [["e0"], ["e1"]]])
    channels = [{"kind": "local_window", "visits": 1}]
    channels += draw(st.sampled_from([[], [{"kind": "proxy_window", "visits": 1, "needs_recognition": True}]]))
    services = [
        service("p", [draw(listed)], competence=draw(st.sampled_from(["home", "work"])), channels=channels),
        service("q", [draw(listed)], applies="cross_city"),
    ]
    cities = draw(st.sampled_from([(("A", "x"), ("B", "y")), (("A", "x"), ("B", "x"))]))
    return Small(catalogue(kinds, services, cities=cities), draw(st.integers(0, 2**16)))


@settings(max_examples=40, deadline=None)
@given(problems(), st.floats(0, 1))
def test_milp_equals_brute_force(small, share):
    assert len(small.options.parts) <= 12
    budget = share * float(small.options.cost.sum())
    plan = optimise(small.options, budget)
    best = small.brute(budget)
    assert plan.saving == pytest.approx(best, abs=1e-6)
    assert plan.gap <= 1e-6
    assert plan.cost <= budget + 1e-6
    assert plan.bound >= plan.saving


@settings(max_examples=20, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_savings_are_those_of_the_burden_kernel(small, random):
    built = np.array([random.random() < 0.6 for _ in small.options.parts], dtype=bool)
    none = np.zeros_like(built)
    assert small.options.baseline == pytest.approx(small.hours(none), rel=1e-12)
    assert small.options.saved(built) == pytest.approx(small.hours(none) - small.hours(built), abs=1e-8)


@settings(max_examples=15, deadline=None)
@given(problems())
def test_budgets_bound_each_other(small):
    full = float(small.options.cost.sum())
    plans = [optimise(small.options, b * full) for b in (0.0, 0.3, 0.6, 1.0)]
    assert plans[0].saving == 0.0
    assert not plans[0].built.any()
    savings = [p.saving for p in plans]
    assert all(a <= b + 1e-6 for a, b in itertools.pairwise(savings))
    everything = np.ones(len(small.options.parts), dtype=bool)
    assert savings[-1] == pytest.approx(small.options.saved(everything), abs=1e-6)


def three(seed=3, cities=None):
    kinds = [
        evidence("e0", minutes=30.0, in_person=True),
        evidence("e1", minutes=10.0, in_person=True),
        evidence("e2", "work", minutes=20.0, in_person=True),
    ]
    window = [{"kind": "local_window", "visits": 1}, {"kind": "proxy_window", "visits": 1, "needs_recognition": True}]
    services = [
        service("p", [[["e0"]], [["e1"], ["e2"]]]),
        service("q", [[["e2"]]], competence="home", channels=window),
        service("s", [[["e1"]]], sector="fund", applies="cross_city"),
    ]
    return Small(catalogue(kinds, services), seed, cities)


def test_relabelling_cities_changes_nothing():
    one, two = three(), three(cities=["C", "A", "B"])
    for share in (0.2, 0.5):
        a = optimise(one.options, share * one.options.cost.sum())
        b = optimise(two.options, share * two.options.cost.sum())
        assert a.saving == pytest.approx(b.saving, rel=1e-9)
        assert a.bound == pytest.approx(b.bound, rel=1e-6)


def test_single_links_save_nothing_where_bundles_do():
    """Neither submodular nor supermodular: the greedy by single parts stays at nothing."""
    small = three()
    alone = []
    for i in range(len(small.options.parts)):
        built = np.zeros(len(small.options.parts), dtype=bool)
        built[i] = True
        alone.append(small.options.saved(built) * (small.options.parts[i].kind != "recognition"))
    assert max(alone) == 0.0
    assert optimise(small.options, 10.0).saving > 0


def test_large_problems_are_bounded_and_guided_without_branching(monkeypatch):
    small = three()
    budget = 0.4 * small.options.cost.sum()
    exact = optimise(small.options, budget)
    monkeypatch.setattr(linkplan, "EXACT_SIZE", 1)
    monkeypatch.setattr(linkplan, "NEAR", 1.0)
    guided = optimise(small.options, budget)
    assert guided.saving <= exact.saving + 1e-6 <= guided.bound + 2e-6
    assert guided.saving > 0.8 * exact.saving
    assert 0 <= guided.gap < 0.3
    assert exact.gap < 1e-6


def test_what_is_left_of_a_problem_is_the_same_on_its_parts():
    small = three()
    chosen, rng = small.options, np.random.default_rng(5)
    allowed = rng.random(len(chosen.parts)) < 0.6
    part = restricted(chosen, allowed)
    for _ in range(20):
        built = allowed & (rng.random(len(chosen.parts)) < 0.7)
        assert part.saved(built) == pytest.approx(chosen.saved(built), abs=1e-9)
    assert part.saved(np.ones(len(chosen.parts), dtype=bool)) == pytest.approx(chosen.saved(allowed), abs=1e-9)


def test_caps_of_cities_hold():
    small = three()
    chosen = small.options
    budget = float(chosen.cost.sum())
    free, capped = optimise(chosen, budget), optimise(chosen, budget, city_cap=6.0)
    paid = np.bincount(chosen.city[capped.built] + 1, chosen.cost[capped.built])[1:]
    assert paid.max() <= 6.0 + 1e-6
    assert 0 < capped.saving < free.saving
    assert optimise(chosen, budget, city_cap=0.0).saving == 0.0


def test_no_pair_worse_than_a_limit():
    small = three()
    chosen = small.options
    potential = chosen.potential()
    weakest = int(np.argmin(np.where(potential > 0, potential, np.inf)))
    pair = chosen.pair[[weakest]]
    least = np.array(
        [0.9 * sum(f[-1] for f, p in zip(chosen.saving, chosen.pair, strict=True) if (p == pair[0]).all())]
    )
    budget = 0.5 * float(chosen.cost.sum())
    plan = optimise(chosen, budget, worst=(pair, least))
    world = chosen.world(small.world, plan.built)
    home, work = pair[0]
    before = burdens(small.compiled, small.world, small.travel, PARAMETERS).of("hours")[:, home, work]
    after = burdens(small.compiled, world, small.travel, PARAMETERS).of("hours")[:, home, work]
    assert np.nansum(small.demand[:, home, work] * (before - after)) >= least[0] - 1e-6
    with pytest.raises(ValueError, match="keeps every pair"):
        optimise(chosen, 1.0, worst=(pair, least))


def test_without_alternatives_the_dual_of_the_budget_is_a_minimum_cut():
    """Oracle: max over sets of saving - price x cost, by brute force over cuts, equals a maximum flow."""
    cat = catalogue(
        [evidence("e0", minutes=30.0), evidence("e1", minutes=12.0)],
        [service("p", [[["e0"]]]), service("q", [[["e1"]]], applies="cross_city")],
        cities=(("A", "x"), ("B", "y")),
    )
    small = Small(cat, 5)
    chosen = small.options
    price = 0.4 * float(chosen.potential().sum() / chosen.cost.sum())
    scale = 10_000
    gains = {}
    for group, saving in zip(chosen.groups, chosen.saving, strict=True):
        additive, _, members = split(saving)
        assert not members
        for e, a in zip(group, additive, strict=True):
            gains[e] = gains.get(e, 0.0) + a
    n, m = len(chosen.parts), len(gains)
    graph = np.zeros((n + m + 2, n + m + 2), dtype=np.int32)
    for k, (e, gain) in enumerate(sorted(gains.items())):
        graph[-2, n + k] = round(scale * gain)
        graph[n + k, list(chosen.elements[e])] = 2**30
    graph[:n, -1] = np.round(scale * price * chosen.cost)
    cut = maximum_flow(csr_array(graph), n + m, n + m + 1).flow_value / scale
    profit = sum(gains.values()) - cut
    best = max(
        chosen.saved(np.isin(np.arange(n), s)) - price * chosen.cost[list(s)].sum()
        for s in map(list, subsets(range(n)))
    )
    assert profit == pytest.approx(best, abs=n * 1e-3)


def test_phases_are_nested_and_keep_their_money():
    small = three()
    plans = phases(small.options, [6.0, 6.0, 8.0])
    assert [p.budget for p in plans] == [6.0, 12.0, 20.0]
    for early, late in itertools.pairwise(plans):
        assert not (early.built & ~late.built).any()
        assert early.saving <= late.saving + 1e-9
    assert all(p.cost <= p.budget + 1e-6 and p.bound >= p.saving for p in plans)
    with pytest.raises(ValueError, match="none of them negative"):
        phases(small.options, [1.0, -1.0])


def test_worth_of_parts_and_the_document_of_a_plan():
    small = three()
    plans = phases(small.options, [8.0, 12.0])
    worth = marginal(small.options, plans[-1].built)
    for i in range(len(small.options.parts)):
        flipped = plans[-1].built.copy()
        flipped[i] = ~flipped[i]
        assert worth[i] == pytest.approx(abs(small.options.saved(flipped) - plans[-1].saving), abs=1e-9)
    found = document(small.options, small.compiled, [2026, 2027], plans)
    assert {p["id"] for p in found["parts"]} == {small.options.parts[i].id for i in np.flatnonzero(plans[-1].built)}
    assert found["links"]
    lost = lost_without(small.options, plans[-1].built)
    assert sum(x["lost_without_hours"] for x in [*found["links"], *found["recognitions"]]) == pytest.approx(lost.sum())
    assert all(x["live_from"] in (2026, 2027) for x in [*found["links"], *found["recognitions"]])
    linked = small.catalogue.model_copy(
        update={
            "links": tuple(type_link(x) for x in found["links"]),
            "recognitions": tuple(type_recognition(x) for x in found["recognitions"]),
        }
    )
    after = burdens(small.compiled, world_of(linked, small.compiled), small.travel, PARAMETERS).of("hours")
    assert small.options.baseline - np.nansum(small.demand * after) == pytest.approx(plans[-1].saving, abs=1e-8)


def type_link(row):
    from megalopolis.services.models import EvidenceLink

    return EvidenceLink(
        **{k: v for k, v in row.items() if k not in ("live_from", "lost_without_hours")}, state="live", **OWN
    )


def type_recognition(row):
    from megalopolis.services.models import Recognition

    return Recognition(
        **{k: v for k, v in row.items() if k not in ("live_from", "lost_without_hours")}, state="live", **OWN
    )


def test_sequence_builds_the_whole_plan():
    small = three()
    plan = optimise(small.options, 20.0)
    order = sequence(small.options, plan.built)
    assert sorted(i for parts, _ in order for i in parts) == np.flatnonzero(plan.built).tolist()
    assert sum(gain for _, gain in order) == pytest.approx(plan.saving, abs=1e-9)


@given(st.integers(1, 4), st.integers(0, 2**16))
def test_a_set_function_is_its_additive_part_and_its_modes(size, seed):
    rng = np.random.default_rng(seed)
    own = rng.integers(0, 5, size).astype(float)
    masks = np.arange(1 << size)
    saving = sum(((masks >> b) & 1) * own[b] for b in range(size)) + 7.0 * (masks == masks[-1]) * rng.integers(0, 2)
    additive, core, members = split(saving)
    found = modes(core)
    for mask in masks.tolist():
        inside = sum(1 << p for p, b in enumerate(members) if mask >> b & 1)
        best = max([core[m] for m in found if m & ~inside == 0], default=0.0)
        plain = sum(additive[b] for b in range(size) if mask >> b & 1)
        assert plain + best == pytest.approx(saving[mask])


def test_a_broken_bound_is_never_passed_on(monkeypatch):
    small = three()
    monkeypatch.setattr(
        linkplan,
        "relaxed",
        lambda problem, _: Solved(np.ones(problem.parts), 1e-3, stopped=False, worth=np.zeros(problem.parts)),
    )
    monkeypatch.setattr(linkplan, "exact", lambda *_: Solved(np.empty(0), 1e-3, stopped=False, worth=np.empty(0)))
    with pytest.raises(CheckFailed, match="links save"):
        optimise(small.options, float(small.options.cost.sum()))


@pytest.mark.parametrize(("budget", "cap"), [(-1.0, None), (float("nan"), None), (1.0, -2.0)])
def test_bad_budgets(budget, cap):
    with pytest.raises(ValueError, match="at least 0"):
        optimise(three().options, budget, city_cap=cap)


def test_a_kind_of_part_without_cost_is_named():
    cat = catalogue([evidence("e0")], [service("p", [[["e0"]]])])
    poor = cat.model_copy(update={"link_costs": cat.link_costs[:1]})
    with pytest.raises(ValueError, match="no cost of the part"):
        Small(poor, 1)


def test_cases_where_there_is_no_such_case_are_refused():
    small = three()
    wrong = small.demand + 1.0
    with pytest.raises(ValueError, match="within one city"):
        options(small.catalogue, small.compiled, small.world, small.travel, wrong, PARAMETERS)

"""Burden matrices and choice of links of the bundled catalogue, with growth in cities and procedures.

Run as ``python benchmarks/bench_services.py`` (two minutes; prints Markdown). Times depend on the machine and on what
else it does; savings, bounds and gaps do not: searches stop by nodes.
"""

import os
import sys
import time

import megalopolis as mp
from megalopolis.parameters import Parameters
from megalopolis.services.burden import burdens
from megalopolis.services.linkplan import optimise
from megalopolis.services.options import options
from megalopolis.services.setting import set_up
from megalopolis.services.state import catalogue_of

PROVINCES = ("Shanghai", "Jiangsu", "Zhejiang", "Anhui")


def best(function, repeats=5):
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return min(times)


def growth(region, minutes, flows, parameters, catalogue):
    print("| cities | procedures | pairs x procedures | seconds |\n|---|---|---|---|")
    planned = region.frame("clusters_planned")["city"].drop_duplicates().tolist()
    for cities, procedures in ((12, 22), (25, 22), (49, 22), (98, 6), (98, 11), (98, 22)):
        part = catalogue.model_copy(update={"procedures": catalogue.procedures[:procedures]})
        setting = set_up(
            region, minutes=minutes, flows=flows, parameters=parameters, catalogue=part, only=planned[:cities]
        )
        seconds = best(lambda s=setting: burdens(s.compiled, s.world, s.travel, parameters))
        print(f"| {cities} | {procedures} | {cities * cities * procedures:,} | {seconds:.4f} |")


def links(region, minutes, flows, parameters, catalogue):
    heads = ("cities", "procedures", "options", "of all money", "hours saved", "gap", "seconds", "")
    print("", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", sep="\n")
    members = region.names.clusters
    units = region.cities
    pearl, delta = list(members["pearl-delta"]), list(members["yangtze-delta"])
    whole = units.loc[units["admin1"].isin(PROVINCES), "id"].tolist()
    cases = [
        *((f"Pearl River Delta, {len(pearl)}", pearl, 22, share) for share in (0.1, 0.25)),
        *((f"Yangtze Delta, first {n}", delta[:n], 22, 0.25) for n in (7, 14, 20)),
        *((f"Yangtze Delta, {len(delta)}", delta, procedures, 0.25) for procedures in (6, 11, 22)),
        (f"Yangtze Delta, {len(delta)}", delta, 22, 0.1),
        *((f"three provinces and Shanghai, {len(whole)}", whole, 22, share) for share in (0.1, 0.25)),
    ]
    for name, ids, procedures, share in cases:
        part = catalogue.model_copy(update={"procedures": catalogue.procedures[:procedures]})
        begin = time.perf_counter()
        setting = set_up(region, minutes=minutes, flows=flows, parameters=parameters, catalogue=part, only=ids)
        chosen = options(part, setting.compiled, setting.world, setting.travel, setting.demand, parameters)
        plan = optimise(chosen, share * float(chosen.cost.sum()))
        said = "stopped by the clock" if plan.stopped else ""
        saved, took = plan.saving / chosen.baseline, time.perf_counter() - begin
        cells = (name, f"{procedures}", f"{len(chosen.parts):,}", f"{share:.0%}", f"{saved:.1%}", f"{plan.gap:.4%}")
        print(f"| {' | '.join(cells)} | {took:.1f} | {said} |", flush=True)


def main():
    region = mp.load_region("china")
    evaluation = mp.evaluate(region, only=["clusters"], draws=0)
    minutes, flows = evaluation.travel_times, evaluation.result("clusters").tables["flows"]
    parameters = Parameters.of({}, {}).of_pillar("services")
    catalogue = catalogue_of(region)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}\n")
    growth(region, minutes, flows, parameters, catalogue)
    links(region, minutes, flows, parameters, catalogue)


if __name__ == "__main__":
    main()

"""Burden matrices and choice of links of the bundled catalogue, with growth in cities and procedures.

Run as ``python benchmarks/bench_services.py`` (some minutes; prints Markdown). Times depend on the machine and on what
else it does; savings, bounds and gaps do not, except where a clock stopped a search, which is said.
"""

import os
import sys
import time

import megalopolis as mp
from megalopolis.parameters import Parameters
from megalopolis.services.burden import burdens
from megalopolis.services.face import set_up
from megalopolis.services.linkplan import optimise
from megalopolis.services.options import options
from megalopolis.services.state import catalogue_of

PROVINCES = ("Shanghai", "Jiangsu", "Zhejiang", "Anhui")
SECONDS = 240.0


def best(function, repeats=5):
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return min(times)


def growth(region, minutes, parameters, catalogue):
    print("| cities | procedures | pairs x procedures | seconds |\n|---|---|---|---|")
    planned = region.frame("clusters_planned")["city"].drop_duplicates().tolist()
    for cities, procedures in ((12, 22), (25, 22), (49, 22), (98, 6), (98, 11), (98, 22)):
        part = catalogue.model_copy(update={"procedures": catalogue.procedures[:procedures]})
        setting = set_up(region, minutes=minutes, parameters=parameters, catalogue=part, only=planned[:cities])
        seconds = best(lambda s=setting: burdens(s.compiled, s.world, s.travel, parameters))
        print(f"| {cities} | {procedures} | {cities * cities * procedures:,} | {seconds:.3f} |")


def links(region, minutes, parameters, catalogue):
    print("\n| cities | options | of all money | hours saved | gap | seconds | |\n|---|---|---|---|---|---|---|")
    members = region.names.clusters
    units = region.cities
    groups = {
        "Pearl River Delta": list(members["pearl-delta"]),
        "Yangtze Delta": list(members["yangtze-delta"]),
        "three provinces and Shanghai": units.loc[units["admin1"].isin(PROVINCES), "id"].tolist(),
    }
    for name, ids in groups.items():
        for share in (0.1, 0.25):
            begin = time.perf_counter()
            setting = set_up(region, minutes=minutes, parameters=parameters, catalogue=catalogue, only=ids)
            chosen = options(catalogue, setting.compiled, setting.world, setting.travel, setting.demand, parameters)
            seconds = 60.0 if len(ids) < 30 else SECONDS
            plan = optimise(chosen, share * float(chosen.cost.sum()), seconds=seconds)
            said = "stopped by the clock" if plan.stopped else ""
            saved, took = plan.saving / chosen.baseline, time.perf_counter() - begin
            cells = (f"{name}, {len(ids)}", f"{len(chosen.parts):,}", f"{share:.0%}", f"{saved:.1%}", f"{plan.gap:.2%}")
            print(f"| {' | '.join(cells)} | {took:.0f} | {said} |", flush=True)


def main():
    region = mp.load_region("china")
    minutes = mp.evaluate(region, only=["travel"], draws=0).travel_times
    parameters = Parameters.of({}, {}).of_pillar("services")
    catalogue = catalogue_of(region)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}\n")
    growth(region, minutes, parameters, catalogue)
    links(region, minutes, parameters, catalogue)


if __name__ == "__main__":
    main()

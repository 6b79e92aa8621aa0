"""REST against a real server, and against what the command line prints."""

import io
import json
import math
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import yaml

from megalopolis.evaluation import evaluate
from megalopolis.plan.plan import load_plan

TOY = Path(__file__).parent.parent / "toy"
PROGRAM = str(Path(sys.executable).with_name("megalopolis"))


def test_regions_and_their_cities(api) -> None:
    assert api.get("/api/regions").json()[0]["id"] == "region"
    found = api.get("/api/regions/region").json()
    assert len(found["cities"]) == 4
    assert {i["id"] for i in found["indicators"]} >= {"accessibility", "people_60"}
    assert api.get("/api/regions/region/land").json()["geometry"]["type"] == "MultiPolygon"
    lines = api.get("/api/regions/region/lines", params={"year": found["today"]}).json()
    assert all(len(line["at"]) > 1 for line in lines)


def test_land_and_minutes_reached_from_a_city(api, sent, toy, toy_plan) -> None:
    query = {"place": "A", "year": 2030, "plan": sent["hash"]}
    land = api.get("/api/regions/region/isochrones", params=query).json()["features"]
    assert [f["properties"]["minutes"] for f in land] == [180, 120, 60]
    assert land[0]["properties"]["people"] >= land[2]["properties"]["people"]
    own = evaluate(toy, toy_plan, years=[2030], draws=0, only={"travel"}).travel_times
    found = api.get("/api/regions/region/minutes", params=query).json()
    for city, minutes in zip(found["cities"], found["plan"], strict=True):
        assert abs(own.loc["A", city] - minutes) <= 0.005 + 1e-9


def test_a_plan_comes_back_as_it_was_sent(api, sent) -> None:
    plan = load_plan(TOY / "plan.yaml")
    assert sent["hash"] == plan.hash
    again = yaml.safe_load(api.get(f"/api/plans/{sent['hash']}", params={"form": "yaml"}).text)
    back = api.post("/api/plans", json={"region": "region", "plan": again}).json()
    assert back["hash"] == plan.hash
    head = ("name", "names", "description", "descriptions", "years")
    filed = yaml.safe_load((TOY / "plan.yaml").read_text("utf-8"))
    assert [back[k] for k in head] == [again[k] for k in head] == [filed[k] for k in head]
    line = next(m for m in sent["measures"] if m["kind"] == "rail_line")
    assert all(s["lon"] is not None and s["km"] is not None for s in line["stops"])


def test_the_view_is_the_ledger(toy_server, sent, toy, toy_plan) -> None:
    view = toy_server.evaluated(sent["hash"])
    own = evaluate(toy, toy_plan, years=[view["year"]])
    seen = 0
    for row in own.ledger.itertuples():
        column = view["indicators"][row.indicator][row.case]
        assert column["value"][view["places"].index(row.place)] == row.value
        assert column["low"][view["places"].index(row.place)] == (None if math.isnan(row.low) else row.low)
        seen += 1
    assert seen == len(own.ledger) > 20
    assert view["trust"]["zh"]


def test_the_numbers_are_what_json_prints(toy_server, api, sent) -> None:
    view = toy_server.evaluated(sent["hash"])
    command = [PROGRAM, "travel", str(TOY / "region"), str(TOY / "plan.yaml"), "--json"]
    printed = subprocess.run(command, capture_output=True, check=True, timeout=100).stdout
    document = json.loads(printed)
    assert document["plan"]["hash"] == sent["hash"]
    for row in document["result"]["indicators"]:
        column = view["indicators"][row["indicator"]]["plan"]["value"]
        assert column[view["places"].index(row["place"])] == row["value"]
    served = api.get(f"/api/evaluations/{view['id']}/files/travel.json").json()
    assert served["result"]["minutes"] == document["result"]["minutes"]


def test_files(toy_server, api, sent) -> None:
    id_ = toy_server.evaluated(sent["hash"])["id"]
    base = f"/api/evaluations/{id_}/files"
    csv = pd.read_csv(io.BytesIO(api.get(f"{base}/ledger.csv").content), dtype={"place": str})
    parquet = pd.read_parquet(io.BytesIO(api.get(f"{base}/ledger.parquet").content))
    document = api.get(f"{base}/ledger.json").json()
    assert len(csv) == len(parquet) == len(document["result"]["ledger"])
    assert api.get(f"{base}/region.gpkg").content[:15] == b"SQLite format 3"
    page = api.get(f"{base}/report.html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<h1" in page.text
    assert api.get(f"{base}/../../run.json").status_code in {404, 422}
    assert "there is no file" in api.get(f"{base}/passwd").json()["error"][0]


def test_a_running_evaluation_is_cancelled_and_can_be_asked_for_again(api, sent) -> None:
    wanted = {"region": "region", "plan": sent["hash"], "year": 2029}
    job = api.post("/api/evaluations", json=wanted).json()
    while job["state"] == "queued":
        job = api.get(f"/api/evaluations/{job['id']}").json()
    api.delete(f"/api/evaluations/{job['id']}")
    for _ in range(200):
        job = api.get(f"/api/evaluations/{job['id']}").json()
        if job["state"] not in {"queued", "running"}:
            break
        time.sleep(0.1)
    assert job["state"] in {"cancelled", "done"}  # done, where it was faster
    again = api.post("/api/evaluations", json=wanted).json()
    assert again["id"] == job["id"]
    assert again["state"] in {"queued", "running", "done"}


def test_the_same_question_has_the_same_answer_at_once(toy_server, api, sent) -> None:
    first = toy_server.evaluated(sent["hash"], 2030)
    job = api.post("/api/evaluations", json={"region": "region", "plan": sent["hash"], "year": 2030}).json()
    assert (job["id"], job["state"]) == (first["id"], "done")

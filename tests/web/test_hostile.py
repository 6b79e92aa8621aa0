"""Hostile requests are refused with a clear line; the server lives, and nothing is executed."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from megalopolis.web import limits


def line(**changes) -> dict:
    measure = {"kind": "rail_line", "name": "New", "stops": ["Ann", "Dee"], "speed_kmh": 300, "headway_min": 30}
    return measure | {"opens": 2025} | changes


def send(api: httpx.Client, plan: object, region: object = "region") -> httpx.Response:
    return api.post(
        "/api/plans", content=json.dumps({"region": region, "plan": plan}), headers={"content-type": "application/json"}
    )


def plan(**changes) -> dict:
    return {"name": "P", "years": [2030], "measures": [line(**changes)]}


@pytest.fixture(autouse=True)
def lives(api, toy_server):
    before = toy_server.memory_mb()
    yield
    assert api.get("/api/regions").status_code == 200
    assert toy_server.memory_mb() < before + 150


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (plan(stops=[{"name": "X", "lon": float("nan"), "lat": 1}, "Ann"]), "lon"),
        (plan(stops=[{"name": "X", "lon": 181, "lat": 1}, "Ann"]), "lon"),
        (plan(stops=["Ann", "Atlantis"]), "Atlantis"),
        (plan(stops=[{"station": "../../etc/passwd"}, "Ann"]), "no single station"),
        (plan(stops=["Ann", "Dee"] * 10_000), "at most 500"),
        (plan(speed_kmh=float("inf")), "speed_kmh"),
        (plan(speed_kmh="__import__('os').system('true')"), "speed_kmh"),
        (plan(kind="exec"), "kind"),
        (plan(opens=10**30), "opens"),
        ({"name": "P", "extends": "/etc/passwd", "measures": []}, "cannot extend"),
        ({"name": "P", "measures": [line()] * 2}, "another measure"),
        ({"name": "", "measures": []}, "name"),
        ({"name": "P", "years": [2030] * 2, "measures": []}, "years"),
        ([], "plan"),
        (None, "either plan or yaml"),
    ],
)
def test_bad_plans_are_refused_with_the_reason(api, document, said) -> None:
    answer = send(api, document)
    assert answer.status_code in {400, 422}
    assert said in " ".join(answer.json()["error"])
    assert "Traceback" not in answer.text


def test_a_million_stops_are_refused_unread(api) -> None:
    body = json.dumps({"region": "region", "plan": plan(stops=["Ann"] * 1_000_000)})
    try:
        answer = api.post("/api/plans", content=body)
        assert answer.status_code == 413
        assert "larger than 1 MiB" in answer.json()["error"][0]
    except httpx.TransportError:  # refused and closed while still sending
        assert api.get("/api/regions").status_code == 200


def test_a_body_of_unknown_length_is_cut_off(api) -> None:
    def forever():
        for _ in range(200):
            yield b"[" * 65_536

    try:
        status = api.post("/api/plans", content=forever()).status_code
    except httpx.TransportError:  # refused while still sending
        return
    assert status == 413


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 500_000, b'{"region": NaN}', b'"' + b"a" * 1000, b""])
def test_malformed_bodies(api, body) -> None:
    answer = api.post("/api/plans", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "yaml",
    [
        "!!python/object/apply:os.system ['true']",
        "a: &a [1]\nb: *a",
        "name: P\nmeasures: " + "[" * 200 + "]" * 200,
        "- 1",
        "name: [",
    ],
)
def test_yaml_is_data_only(api, yaml) -> None:
    answer = api.post("/api/plans", json={"region": "region", "yaml": yaml})
    assert answer.status_code == 422
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/regions/..%2f..%2fetc",
        "/api/plans/..%2f..%2fetc%2fpasswd",
        "/api/plans//etc/passwd",
        "/api/plans/region.yaml",
        "/..%2f..%2fpyproject.toml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/api/evaluations/" + "0" * 32,
        "/api/regions/region/why/__class__",
        "/api/regions/region/minutes?place=..&year=2030",
    ],
)
def test_names_are_no_paths(api, path) -> None:
    answer = api.get(path)
    assert answer.status_code in {404, 503}
    assert "root:" not in answer.text


@pytest.mark.parametrize("region", ["../toy", "/etc", "toy/region", "", "region/"])
def test_a_region_is_an_id(api, region) -> None:
    assert send(api, plan(), region).status_code in {404, 422}


def test_a_foreign_origin_changes_nothing(api) -> None:
    body = json.dumps({"region": "region", "plan": plan()})
    for origin in ("http://evil.example", "null", "http://localhost:1"):
        answer = api.post("/api/plans", content=body, headers={"origin": origin})
        assert answer.status_code == 403
        assert "origin" in answer.json()["error"][0]


def test_a_foreign_name_of_this_machine_is_not_answered(api) -> None:
    assert api.get("/api/regions", headers={"host": "evil.example"}).status_code == 403


def test_a_script_in_a_name_stays_text(api) -> None:
    name = "<script>alert(1)</script>"
    answer = send(api, plan() | {"name": name})
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (
        "script-src" in answer.headers["content-security-policy"]
        or "default-src 'self'" in answer.headers["content-security-policy"]
    )


def test_too_many_jobs_wait_for_nobody(api, sent) -> None:
    def ask(year: int) -> httpx.Response:
        return api.post("/api/evaluations", json={"region": "region", "plan": sent["hash"], "year": year})

    with ThreadPoolExecutor(limits.JOBS) as crowd:  # one by one they may end as they come
        answers = list(crowd.map(ask, range(1900, 1900 + 4 * limits.JOBS)))
    for answer in answers:
        if answer.status_code == 202:
            assert api.delete(f"/api/evaluations/{answer.json()['id']}").status_code == 200
    assert {answer.status_code for answer in answers} == {202, 429}


def test_raw_garbage_on_the_port(toy_server) -> None:
    for data in (b"\x00" * 100, b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", toy_server.port), 5) as raw:
            raw.sendall(data)
            raw.settimeout(5)
            try:
                assert not raw.recv(100).startswith(b"HTTP/1.1 200")
            except OSError:
                continue

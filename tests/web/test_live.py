"""The live channel: frames, the newest edit first, jobs with progress, two people at once."""

import asyncio
import json
import struct

import numpy as np
import pytest
import websockets

from megalopolis.evaluation import evaluate
from megalopolis.evaluation.preview import FOLLOWING
from megalopolis.plan import Plan
from megalopolis.plan.plan import parse_plan
from megalopolis.region.documents import Document
from megalopolis.web import limits
from megalopolis.web.formed import formed_document


def read(frame: bytes) -> tuple[dict, dict[str, np.ndarray]]:
    size = struct.unpack("<I", frame[:4])[0]
    head = json.loads(frame[4 : 4 + size])
    values = np.frombuffer(frame[4 + size :], "<f4").reshape(len(head["columns"]), head["places"])
    return head, dict(zip(head["columns"], values, strict=True))


def edit(sent: dict, seq: int, **changes) -> str:
    line = next(m for m in sent["measures"] if m["kind"] == "rail_line")
    measure = line["measure"] | changes
    message = {"type": "edit", "seq": seq, "region": "region", "plan": sent["hash"], "year": 2030}
    return json.dumps(message | {"measure": measure, "replaces": line["id"]})


def talk(server, conversation) -> None:
    async def run() -> None:
        address = server.url.replace("http", "ws") + "/api/live"
        async with websockets.connect(address, max_size=None) as socket:
            assert json.loads(await socket.recv())["type"] == "hello"
            await conversation(socket)

    asyncio.run(asyncio.wait_for(run(), 100))


def test_a_frame_says_what_the_line_changes(toy_server, sent, toy) -> None:
    fast = {"speed_kmh": 600, "operating_kmh": 600}

    async def conversation(socket) -> None:
        await socket.send(edit(sent, 7))
        head, values = read(await socket.recv())
        assert head["seq"] == 7
        assert head["places"] == len(values["accessibility"])
        await socket.send(edit(sent, 8, **fast))
        _, faster = read(await socket.recv())
        assert (faster["accessibility"] >= values["accessibility"]).all()
        assert (faster["accessibility"] > values["accessibility"]).any()
        whole = evaluate(toy, in_plan(sent, **fast), years=[2030], draws=0, only={"travel"})
        for place, value in zip(toy.cities["id"], faster["accessibility"], strict=False):
            assert value == pytest.approx(whole.value(place, "accessibility"), rel=1e-6)
        assert faster["accessibility"][-1] == pytest.approx(whole.value("region", "accessibility"), rel=1e-6)

    talk(toy_server, conversation)


def in_plan(sent: dict, **changes) -> Plan:
    """The toy plan with its line changed."""
    measures = [m | changes if m["kind"] == "rail_line" else m for m in sent["document"]["measures"]]
    return parse_plan(Document(sent["document"] | {"measures": measures}, {}, "plan"))


@pytest.mark.parametrize(
    "changes",
    [
        {"speed_kmh": 600, "operating_kmh": 600, "cost": 3e9},
        {"stops": ["Cor", "Ann", {"name": "Field", "city": "Dee", "lon": 0.5, "lat": 0.5}], "cost": None},
        {"opens": 2029},  # the plan's delay of two years takes it past 2030
    ],
)
def test_a_frame_and_its_clusters_are_those_of_the_whole_evaluation(toy_server, api, sent, toy, changes) -> None:
    """Every indicator of travel and clusters at every place, with the delay and the overrun that meet the line."""
    whole = evaluate(toy, in_plan(sent, **changes), years=[2030], draws=0, only=set(FOLLOWING))
    wanted = {(r.place, r.indicator): r.value for r in whole.ledger.itertuples() if r.case == "plan"}
    places = api.get("/api/regions/region").json()["places"]

    async def conversation(socket) -> None:
        await socket.send(json.dumps(json.loads(edit(sent, 3, **changes)) | {"clusters": True}))
        values, message, seen = {}, {}, []
        while len(seen) < 3:
            said = await socket.recv()
            if isinstance(said, str):
                message = json.loads(said)
                seen.append(message["type"])
            else:
                head, columns = read(said)
                values |= columns
                seen.append(head["of"])
                assert head["seq"] == 3
        assert seen[0] == "travel"
        found = {(p, n): v for n, column in values.items() for p, v in zip(places, column, strict=True)}
        assert {key for key, value in found.items() if np.isfinite(value)} == set(wanted)
        for key, value in wanted.items():
            assert found[key] == pytest.approx(value, rel=1e-6, abs=1e-6), key
        assert (message["type"], message["seq"]) == ("clusters", 3)
        assert {k: message[k] for k in ("formed", "planned")} == formed_document(toy, whole.result("clusters").tables)
        assert message["planned"]

    talk(toy_server, conversation)


def test_clusters_are_of_the_newest_frame_and_hold_up_none(toy_server, sent) -> None:
    async def conversation(socket) -> None:
        for seq in range(60):
            await socket.send(json.dumps(json.loads(edit(sent, seq, headway_min=10 + seq)) | {"clusters": True}))
            await asyncio.sleep(0.005)
        seen = {"travel": [], "clusters": [], "formed": []}
        while any(not seqs or seqs[-1] < 59 for seqs in seen.values()):
            said = await socket.recv()
            if isinstance(said, bytes):
                head, _ = read(said)
                seen[head["of"]].append(head["seq"])
            else:
                seen["formed"].append(json.loads(said)["seq"])
        for seqs in seen.values():
            assert seqs == sorted(set(seqs)), "of the newest frame, each once"
            assert set(seqs) <= set(seen["travel"])
        assert len(seen["formed"]) < len(seen["travel"])

    talk(toy_server, conversation)


def test_newer_edits_replace_those_that_wait(toy_server, sent) -> None:
    async def conversation(socket) -> None:
        for seq in range(200):
            await socket.send(edit(sent, seq, headway_min=10 + seq / 10))
        seen = []
        while not seen or seen[-1] < 199:
            seen.append(read(await socket.recv())[0]["seq"])
        assert seen == sorted(set(seen))
        assert len(seen) <= 200

    talk(toy_server, conversation)


def test_an_evaluation_tells_its_progress_and_two_people_do_not_disturb_each_other(toy_server, sent, api) -> None:
    other = sent["document"] | {"name": "Another plan"}
    other = api.post("/api/plans", json={"region": "region", "plan": other}).json()

    async def run() -> None:
        address = toy_server.url.replace("http", "ws") + "/api/live"
        async with websockets.connect(address) as one, websockets.connect(address) as two:
            for socket, plan in ((one, sent), (two, other)):
                await socket.recv()
                await socket.send(
                    json.dumps({"type": "evaluate", "region": "region", "plan": plan["hash"], "year": 2027})
                )
            ids = []
            for socket in (one, two):
                states = []
                while not states or states[-1]["state"] not in {"done", "failed", "refused", "cancelled"}:
                    states.append(json.loads(await socket.recv()))
                assert states[-1]["state"] == "done", states[-1]
                assert len({s["id"] for s in states}) == 1
                assert any(s["total"] for s in states)
                ids.append(states[-1]["id"])
            assert ids[0] != ids[1]

    asyncio.run(asyncio.wait_for(run(), 100))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("not json", "Invalid JSON"),
        ("[" * 50_000, "Invalid JSON"),
        ('{"type": "edit"}', "Field required"),
        ('{"type": "evaluate", "region": "region", "plan": "../../etc/passwd", "year": 2030}', "there is no plan"),
        ('{"type": "evaluate", "region": "../..", "plan": null, "year": 2030}', "there is no region"),
        ('{"type": "shell", "run": "rm"}', "does not match any of the expected tags"),
        (b"\x00\xff" * 500, "JSON text"),
    ],
)
def test_malformed_frames_are_refused_and_the_channel_lives(toy_server, sent, message, said) -> None:
    async def conversation(socket) -> None:
        await socket.send(message)
        answer = json.loads(await socket.recv())
        assert answer["type"] == "error"
        assert said in answer["error"][0]
        await socket.send(edit(sent, 1))
        assert read(await socket.recv())[0]["seq"] == 1

    talk(toy_server, conversation)


@pytest.mark.parametrize(
    "changes",
    [
        {"stops": [{"name": "X", "lon": float("nan"), "lat": 30}, "Cor"]},
        {"stops": [{"name": "X", "lon": 1e9, "lat": 30}, "Cor"]},
        {"stops": ["Nowhere", "Cor"]},
        {"stops": ["Cor", "Cor"]},
        {"stops": ["Cor"]},
        {"stops": ["Cor", "Dee"] * 400},
        {"speed_kmh": float("inf")},
        {"headway_min": -1},
        {"name": "x" * 5000},
    ],
)
def test_bad_lines_are_refused_by_name(toy_server, sent, changes) -> None:
    async def conversation(socket) -> None:
        await socket.send(edit(sent, 5, **changes))
        answer = json.loads(await socket.recv())
        assert answer["type"] == "error"
        assert answer["seq"] == 5
        await socket.send(edit(sent, 6))
        assert read(await socket.recv())[0]["seq"] == 6

    talk(toy_server, conversation)


def test_a_message_too_long_closes_that_channel_only(toy_server, sent) -> None:
    async def conversation(socket) -> None:
        stops = [{"name": f"S{i}", "lon": 1.0, "lat": 1.0} for i in range(1_000_000)]
        await socket.send(edit(sent, 1, stops=stops))
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1009

    before = toy_server.memory_mb()
    talk(toy_server, conversation)
    assert toy_server.memory_mb() < before + 100

    async def lives(socket) -> None:
        await socket.send(edit(sent, 2))
        assert read(await socket.recv())[0]["seq"] == 2

    talk(toy_server, lives)


def test_a_foreign_page_gets_no_channel(toy_server) -> None:
    async def run() -> None:
        address = toy_server.url.replace("http", "ws") + "/api/live"
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with websockets.connect(address, origin="http://evil.example"):
                pass
        assert refused.value.response.status_code == 403

    asyncio.run(run())


def test_twenty_people_drag_at_once(toy_server, sent) -> None:
    """Everybody gets the answer to their last edit, and the server stays small (times: benchmarks/bench_map.py)."""
    before = toy_server.memory_mb()

    async def one(number: int) -> list[int]:
        address = toy_server.url.replace("http", "ws") + "/api/live"
        async with websockets.connect(address, max_size=None) as socket:
            await socket.recv()
            for seq in range(30):
                await socket.send(edit(sent, seq, speed_kmh=200 + number + seq))
                await asyncio.sleep(0.005)
            seen = [-1]
            while seen[-1] < 29:
                seen.append(read(await socket.recv())[0]["seq"])
            return seen

    async def crowd() -> list[list[int]]:
        return await asyncio.gather(*(one(k) for k in range(20)))

    for seen in asyncio.run(asyncio.wait_for(crowd(), 100)):
        assert seen == sorted(set(seen))
    assert toy_server.memory_mb() < before + 150


def test_more_pages_than_the_server_takes_are_refused(toy_server) -> None:
    async def run() -> None:
        address = toy_server.url.replace("http", "ws") + "/api/live"
        sockets = []
        refused = 0
        try:
            for _ in range(limits.CHANNELS + 4):
                try:
                    sockets.append(await websockets.connect(address))
                except websockets.InvalidStatus:
                    refused += 1
            assert refused >= 4
        finally:
            for socket in sockets:
                await socket.close()

    asyncio.run(asyncio.wait_for(run(), 100))

"""The page in a real Chromium: what a planner does on it, and that it asks no other host."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import Browser, Error, Page, Playwright, Route, expect, sync_playwright
from test_frontend import build
from web_server import Server

from megalopolis.web.app import STATIC

TOY = Path(__file__).parent.parent / "toy"
PROGRAM = str(Path(sys.executable).with_name("megalopolis"))
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PICTURE = Path(__file__).parent.parent.parent / "docs" / "images" / "map.png"
FLAGS = ["--no-sandbox", "--enable-unsafe-swiftshader"]
DONE = "() => megalopolis.app.settled"
TAKEN = "() => !megalopolis.app.pending && megalopolis.app.view?.plan === megalopolis.app.plan.hash"
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
    pytest.mark.skipif(not (STATIC / "index.html").is_file(), reason="the page is not built: npm failed at install"),
]


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright) -> Iterator[Browser]:
    found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield found
    found.close()


Opener = Callable[..., Page]


@pytest.fixture
def visit(browser, toy_server, sent) -> Iterator[Opener]:
    """Open the toy plan in a browser of its own; a page that throws or asks another host fails its test."""
    wrong: list[str] = []
    contexts = []

    def one(server=toy_server, query: str = "", wait: str | None = DONE) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((server.url, "data:", "blob:")) else wrong.append(request.url)
            ),
        )
        page.goto(f"{server.url}/#region=region&plan={sent['hash']}&year=2030{query}")
        page.wait_for_function("() => window.megalopolis?.app")
        if wait:
            page.wait_for_function(wait, timeout=60_000)
        return page

    yield one
    for context in contexts:
        context.close()
    assert not wrong


def position(page: Page, measure: str, stop: int) -> tuple[float, float]:
    """Where the handle of a stop is on the screen."""
    x, y = page.evaluate(
        """([id, i]) => {
        const { pane, active } = megalopolis.app, s = active.stops[i];
        const at = pane.map.project([s.lon, s.lat]), box = pane.element.getBoundingClientRect();
        return [at.x + box.left, at.y + box.top];
    }""",
        [measure, stop],
    )
    return x, y


def drag(page: Page, measure: str, stop: int, dx: float, dy: float, steps: int = 12) -> None:
    if page.evaluate("megalopolis.app.open") != measure:
        page.click(f"#open-{measure}")
        page.wait_for_function("() => megalopolis.app.channel.idle")  # the network without the line is ready
    x, y = position(page, measure, stop)
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(1, steps + 1):
        page.mouse.move(x + dx * k / steps, y + dy * k / steps)
    page.mouse.up()


def shown(page: Page, place: str, indicator: str, case: str = "plan") -> float:
    """Number on the screen, as the page holds it."""
    page.evaluate(
        """place => {
        megalopolis.app.choose(place);  // drawn in the next frame
        return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    }""",
        place,
    )
    cell = page.locator(f'tr[data-indicator="{indicator}"] td[data-case="{case}"]')
    expect(cell).to_be_visible()
    return float(cell.get_attribute("data-value"))


def test_the_number_on_the_screen_is_that_of_json(visit) -> None:
    page = visit()
    printed = subprocess.run(
        [PROGRAM, "travel", str(TOY / "region"), str(TOY / "plan.yaml"), "--json"], capture_output=True, check=True
    ).stdout
    rows = {(r["place"], r["indicator"]): r["value"] for r in json.loads(printed)["result"]["indicators"]}
    cities = page.evaluate("megalopolis.app.region.cities.map(c => c.id)")
    for city in cities:
        assert shown(page, city, "accessibility") == rows[city, "accessibility"]
    text = page.locator('tr[data-indicator="mean_minutes"] td[data-case="plan"]').inner_text()
    assert re.match(r"[\d.,]+ min", text)


def test_drag_read_compare_reload_undo(visit, toy_server, tmp_path) -> None:
    page = visit()
    city = page.evaluate("megalopolis.app.plan.measures.find(m => m.id === 'link').stops[1].city")
    before = shown(page, city, "accessibility")
    drag(page, "link", 1, -70, -45)
    page.wait_for_function("() => megalopolis.timings.drawnSeq === megalopolis.timings.lastSeq", timeout=60_000)
    page.wait_for_function(TAKEN, timeout=60_000)
    timings = page.evaluate("megalopolis.timings")
    assert timings["drawn"] > 0
    assert timings["drawnSeq"] == timings["lastSeq"]  # the last move was drawn: nothing is lost on release
    page.wait_for_function(DONE, timeout=60_000)
    after = shown(page, city, "accessibility")
    assert after != before
    plan = page.evaluate("megalopolis.app.plan.hash")
    view = toy_server.evaluated(plan, 2030)
    assert view["indicators"]["accessibility"]["plan"]["value"][view["places"].index(city)] == after
    text = httpx.get(f"{toy_server.url}/api/plans/{plan}", params={"form": "yaml"}).text
    (tmp_path / "dragged.yaml").write_text(text, encoding="utf-8")
    printed = subprocess.run(
        [PROGRAM, "travel", str(TOY / "region"), str(tmp_path / "dragged.yaml"), "--json"],
        capture_output=True,
        check=True,
    ).stdout
    rows = {(r["place"], r["indicator"]): r["value"] for r in json.loads(printed)["result"]["indicators"]}
    assert rows[city, "accessibility"] == after
    page.reload()
    page.wait_for_function("() => window.megalopolis?.app")
    page.wait_for_function(DONE, timeout=60_000)
    assert page.evaluate("megalopolis.app.plan.hash") == plan
    assert shown(page, city, "accessibility") == after
    drag(page, "link", 1, 40, 20, steps=3)
    page.wait_for_function(TAKEN, timeout=60_000)
    page.keyboard.press("Control+z")
    page.wait_for_function(f"() => megalopolis.app.plan.hash === '{plan}'")
    page.wait_for_function(DONE, timeout=60_000)
    assert shown(page, city, "accessibility") == after


def test_two_people_at_once(visit) -> None:
    one, two = visit(), visit()
    hash_ = two.evaluate("megalopolis.app.plan.hash")
    drag(one, "link", 1, -40, 60)
    one.wait_for_function(DONE, timeout=60_000)
    assert one.evaluate("megalopolis.app.plan.hash") != hash_
    assert two.evaluate("megalopolis.app.plan.hash") == hash_
    assert two.evaluate("megalopolis.app.view.plan") == hash_
    link = one.evaluate("location.hash")
    two.goto(two.url.partition("#")[0] + "?shared" + link)
    two.wait_for_function("() => window.megalopolis?.app?.plan")
    assert two.evaluate("megalopolis.app.plan.hash") == one.evaluate("megalopolis.app.plan.hash")


def test_the_server_is_killed_during_an_edit_and_comes_back(visit, toy_server) -> None:
    page = visit()
    hash_ = page.evaluate("megalopolis.app.plan.hash")
    page.click("#open-link")
    toy_server.stop(signal.SIGKILL)
    try:
        drag(page, "link", 1, -60, 30)
        expect(page.locator("#status")).to_contain_text("The server does not answer")
        moved = page.evaluate("megalopolis.app.draft.measures.find(m => m.id === 'link').stops[1].lon")
        kept = json.loads(page.evaluate("localStorage.getItem('megalopolis:region')"))
        assert next(m for m in kept["measures"] if m["id"] == "link")["stops"][1]["lon"] == moved
    finally:
        toy_server.start()
    page.wait_for_function(DONE, timeout=60_000)
    assert page.evaluate("megalopolis.app.plan.hash") != hash_
    assert page.evaluate("megalopolis.app.online")
    assert page.evaluate("megalopolis.app.draft.measures.find(m => m.id === 'link').stops[1].lon") == pytest.approx(
        moved, abs=1e-3
    )
    assert page.evaluate("localStorage.getItem('megalopolis:region')") is None


def test_an_edit_outlives_the_page(visit, toy_server) -> None:
    page = visit()
    page.click("#open-link")
    toy_server.stop(signal.SIGKILL)
    try:
        drag(page, "link", 1, -30, 30)
        expect(page.locator("#status")).to_contain_text("The server does not answer")
    finally:
        toy_server.start()
    moved = page.evaluate("megalopolis.app.draft.measures.find(m => m.id === 'link').stops[1].lon")
    page.reload()
    page.wait_for_function("() => window.megalopolis?.app")
    page.wait_for_function(DONE, timeout=60_000)
    assert page.evaluate("megalopolis.app.draft.measures.find(m => m.id === 'link').stops[1].lon") == pytest.approx(
        moved, abs=1e-3
    )


def test_edits_by_keyboard_alone(visit) -> None:
    page = visit()
    hash_ = page.evaluate("megalopolis.app.plan.hash")
    page.focus("#open-link")
    page.keyboard.press("Enter")
    page.focus("#stop-link-1")
    page.keyboard.press("ArrowUp")
    page.wait_for_function(f"() => {TAKEN[6:]} && megalopolis.app.plan.hash !== '{hash_}'", timeout=60_000)
    page.wait_for_function(DONE, timeout=60_000)  # what is drawn anew in between would take the key
    page.focus("#on-link")
    page.keyboard.press("Space")
    page.wait_for_function("() => megalopolis.app.plan.measures.length < megalopolis.app.draft.measures.length")
    assert page.evaluate("megalopolis.app.draft.measures.find(m => m.id === 'link').off")
    page.keyboard.press("t")
    expect(page.locator("#twin tbody tr")).to_have_count(page.evaluate("megalopolis.app.scope.length"))
    page.keyboard.press("Escape")


def test_a_new_line_is_drawn_and_a_stop_deleted(visit) -> None:
    page = visit()
    page.click("#draw")
    for k in (0, 1, 3):
        x, y = page.evaluate(
            """k => {
            const { pane, region } = megalopolis.app, c = region.cities[k];
            const at = pane.map.project([c.lon, c.lat]), box = pane.element.getBoundingClientRect();
            return [at.x + box.left, at.y + box.top];
        }""",
            k,
        )
        page.mouse.click(x, y)
    page.keyboard.press("Enter")
    page.wait_for_function(TAKEN, timeout=60_000)
    line = page.evaluate("megalopolis.app.plan.measures.at(-1)")
    assert line["name"] == "New line 1"
    assert len(line["stops"]) == 3
    x, y = position(page, line["id"], 1)
    page.mouse.dblclick(x, y)
    page.wait_for_function("() => !megalopolis.app.pending && megalopolis.app.plan.measures.at(-1).stops.length === 2")


def test_a_refused_edit_is_said_and_taken_back(visit) -> None:
    page = visit()
    page.click("#open-link")
    hash_ = page.evaluate("megalopolis.app.plan.hash")
    page.fill("#field-link-headway_min", "-5")
    page.keyboard.press("Tab")
    expect(page.locator("#status")).to_contain_text("headway_min")
    assert page.evaluate("megalopolis.app.plan.hash") == hash_
    assert page.evaluate("megalopolis.app.draft.measures.find(m => m.id === 'link').fields.headway_min") == 30


def test_a_script_in_a_plan_is_shown_not_run(visit, api, sent) -> None:
    evil = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
    document = sent["document"] | {"name": evil}
    document["measures"] = [
        {**m, "name": f"{evil}{k}", "source": evil} for k, m in enumerate(document["measures"]) if "lines" not in m
    ]
    plan = api.post("/api/plans", json={"region": "region", "plan": document}).json()["hash"]
    page = visit(query=f"&plan={plan}", wait=None)
    page.goto(page.url.partition("#")[0] + f"?x#region=region&plan={plan}&year=2030")
    page.wait_for_function("() => window.megalopolis?.app?.plan")
    page.wait_for_function(DONE, timeout=60_000)
    page.locator(".card .title").first.click()
    assert page.input_value("#plan-name") == evil
    assert page.evaluate("window.pwned") is None
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_accessibility(visit, language) -> None:
    axe = Path(__file__).parent.parent.parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
    if not axe.is_file():
        tools = build()
        try:
            with tools.alone():
                tools.install(tools=True)
        except RuntimeError as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"npm cannot install axe-core: {str(error)[:200]}")
    page = visit(query=f"&lang={language}")
    page.click("#open-link")
    city = page.evaluate("megalopolis.app.region.cities[0].id")
    for step in (lambda: None, lambda: shown(page, city, "accessibility"), lambda: page.keyboard.press("t")):
        step()
        page.evaluate(axe.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa'] })")
        said = [f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:200]}" for v in found["violations"]]
        assert not said


def test_compare_export_share(visit) -> None:
    page = visit()
    page.evaluate("hash => megalopolis.app.compare(hash)", page.evaluate("megalopolis.app.plan.hash"))
    page.wait_for_function("() => megalopolis.app.other?.view", timeout=60_000)
    cells = page.locator("#versus tbody tr").first.locator("td").all_inner_texts()
    assert cells[1] == cells[2]
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for picture in page.locator("img.printed").all():
        assert len(picture.get_attribute("src")) > 5_000
    page.click("#compare")
    page.click("#export summary")
    with page.expect_download() as found:
        page.click('[data-file="ledger.csv"]')
    assert found.value.suggested_filename == "ledger.csv"
    assert Path(found.value.path()).read_text("utf-8").startswith("place,year,case,indicator")
    page.click("#share")
    expect(page.locator("#status")).to_contain_text(re.compile("link", re.IGNORECASE))


def test_nothing_beyond_the_server_is_needed(playwright, toy_server, sent) -> None:
    """Names do not resolve, and every request that is not the server's is cut: the page does all of its work."""
    rules = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"
    alone = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, rules])
    try:
        page = alone.new_page(viewport={"width": 1440, "height": 900})
        cut: list[str] = []

        def gate(route: Route) -> None:
            if route.request.url.startswith(toy_server.url):
                route.continue_()
            else:
                cut.append(route.request.url)
                route.abort()

        page.route("**/*", gate)
        page.goto(f"{toy_server.url}/#region=region&plan={sent['hash']}&year=2030")
        page.wait_for_function("() => window.megalopolis?.app", timeout=60_000)
        page.wait_for_function(DONE, timeout=60_000)
        drag(page, "link", 1, -50, -35)
        page.wait_for_function(DONE, timeout=60_000)
        assert page.evaluate("megalopolis.app.plan.hash") != sent["hash"]
        city = page.evaluate("megalopolis.app.region.cities[0].id")
        assert shown(page, city, "accessibility") > 0
        page.click("#isochrones")
        page.wait_for_function("() => megalopolis.app.isochrones")
        page.locator(".why").first.click()
        expect(page.locator("#dialog h3").first).to_be_visible()
        page.keyboard.press("Escape")
        assert page.evaluate("document.fonts.status") == "loaded"
        assert page.evaluate("megalopolis.app.pane.whenIdle().then(() => megalopolis.app.pane.map.loaded())")
        report = page.evaluate(
            "fetch(`api/evaluations/${megalopolis.app.job.id}/files/report.html`).then(r => r.text())"
        )
        assert "<h1" in report
        assert not cut
        page.unroute_all()
        with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):  # the network is away indeed
            page.goto("http://example.org/")
    finally:
        alone.close()


def test_the_map_stays_usable_without_its_server(visit, toy_server) -> None:
    """Loaded once, then neither server nor network: cities, indicators, cases and tables answer, edits are kept."""
    page = visit()
    cities = page.evaluate("megalopolis.app.scope.map(c => c.id)")
    before = {city: shown(page, city, "accessibility") for city in cities[:2]}
    page.evaluate("megalopolis.app.choose(null)")
    page.click("#open-link")
    page.wait_for_function("() => megalopolis.app.channel.idle")
    toy_server.stop(signal.SIGKILL)
    page.context.set_offline(True)
    try:
        expect(page.locator("#status")).to_contain_text("The server does not answer")
        assert {city: shown(page, city, "accessibility") for city in cities[:2]} == before
        for indicator, mode in (("mean_minutes", "plan"), ("people_60", "baseline"), ("accessibility", "difference")):
            page.evaluate(
                "([i, m]) => { megalopolis.app.setIndicator(i); megalopolis.app.setMode(m); }", [indicator, mode]
            )
            assert page.evaluate("megalopolis.app.scope.some(c => Number.isFinite(megalopolis.app.mapValue(c)))")
        page.locator(".why").first.click()  # needs the server, and says so
        expect(page.locator("#dialog")).not_to_be_visible()
        page.evaluate("megalopolis.app.choose(null)")
        page.keyboard.press("t")
        expect(page.locator("#twin tbody tr")).to_have_count(len(page.evaluate("megalopolis.app.scope")))
        page.keyboard.press("Escape")
        drag(page, "link", 1, -40, 35)
        moved = page.evaluate("megalopolis.app.draft.measures.find(m => m.id === 'link').stops[1].lon")
        assert page.evaluate("localStorage.getItem('megalopolis:region')")
        page.keyboard.press("Control+z")
        page.keyboard.press("Control+y")
    finally:
        page.context.set_offline(False)
        toy_server.start()
    page.wait_for_function(DONE, timeout=60_000)
    now = page.evaluate("megalopolis.app.plan.measures.find(m => m.id === 'link').stops[1].lon")
    assert now == pytest.approx(moved, abs=1e-3)


def test_clusters_follow_while_dragging_and_are_those_of_the_evaluation(visit) -> None:
    page = visit()
    page.click("#open-link")
    page.wait_for_function("() => megalopolis.app.channel.idle")
    page.evaluate("megalopolis.app.choose(null)")
    x, y = position(page, "link", 1)
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(1, 9):
        page.mouse.move(x - 9 * k, y - 6 * k)
    settled = "megalopolis.timings.drawnSeq === megalopolis.timings.lastSeq"
    page.wait_for_function(
        f"() => megalopolis.app.forming && megalopolis.app.live.columns.has('cohesion') && {settled}"
    )
    page.wait_for_timeout(600)  # what is behind the last frame comes, too
    assert page.evaluate("megalopolis.app.dragging !== null")
    known = page.evaluate("megalopolis.app.region.clusters.map(c => c.id)")
    held = {c: page.evaluate("c => megalopolis.app.values('cohesion', `cluster:${c}`, 'plan')[0]", c) for c in known}
    formed = page.evaluate("megalopolis.app.forming.found")
    assert not page.evaluate("id => megalopolis.app.stale('cluster_minutes', `cluster:${id}`)", known[0])
    assert page.evaluate("megalopolis.app.stale('population', 'region')")  # the economy waits for the release
    expect(page.locator("#legend")).to_contain_text("outlines")
    page.mouse.up()
    page.wait_for_function(DONE, timeout=60_000)
    whole = page.evaluate("megalopolis.app.view.clusters.plan")
    assert {k: formed[k] for k in whole} == whole
    for c, value in held.items():
        after = page.evaluate("c => megalopolis.app.values('cohesion', `cluster:${c}`, 'plan')[0]", c)
        assert value == pytest.approx(after, rel=1e-6)


def test_a_delay_is_given_the_measures_that_it_meets(visit) -> None:
    page = visit(query="&area=")
    names = "megalopolis.app.plan.measures.find(m => m.id === '{}').measure"
    page.click("#add-delay")
    page.wait_for_function(
        f"() => {TAKEN[6:]} && megalopolis.app.plan.measures.at(-1).kind === 'delay'", timeout=60_000
    )
    late = page.evaluate("megalopolis.app.plan.measures.at(-1).id")
    box = page.locator(f"#measures-{late}-bridge")
    expect(box).not_to_be_checked()
    box.check()
    page.wait_for_function(f"() => {names.format(late)}.measures?.[0] === 'Bridge'", timeout=60_000)
    page.uncheck(f"#lines-{late}-all")
    page.wait_for_function(f"() => !{names.format(late)}.lines", timeout=60_000)
    page.check(f"#lines-{late}-link")
    page.wait_for_function(f"() => {names.format(late)}.lines?.[0] === 'Link'", timeout=60_000)
    assert page.locator(f"#measures-{late}-link").count() == 0  # a new line is named under lines
    page.fill(f"#field-{late}-years", "3")
    page.keyboard.press("Tab")
    page.wait_for_function(f"() => {names.format(late)}.years === 3", timeout=60_000)
    for field, id_ in (("lines", "link"), ("measures", "bridge")):
        page.uncheck(f"#{field}-{late}-{id_}")
        page.wait_for_function("() => !megalopolis.app.pending")
    expect(page.locator("#status")).to_contain_text("needs lines or measures")  # one that meets nothing is refused
    assert page.evaluate(names.format(late))["measures"] == ["Bridge"]


@pytest.fixture(scope="module")
def china(tmp_path_factory) -> Iterator[Server]:
    server = Server("china", tmp_path_factory.mktemp("cache"))
    server.start()
    yield server
    server.stop()


def test_every_number_of_china_on_the_screen_is_that_of_json(browser, china) -> None:
    """A city and the area's clusters, each number in its cell against what the commands print for the same plan."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
    try:
        page.goto(china.url)
        page.wait_for_function("() => window.megalopolis?.app?.view", timeout=120_000)
        page.wait_for_function(DONE, timeout=120_000)
        printed = {}
        for command in ("travel", "clusters"):
            answer = subprocess.run(
                [PROGRAM, command, "china", "china/2035", "--json"],
                capture_output=True,
                check=True,
                env={**os.environ, "MEGALOPOLIS_CACHE": str(china.cache)},
            )
            printed[command] = json.loads(answer.stdout)
            assert printed[command]["plan"]["hash"] == page.evaluate("megalopolis.app.plan.hash")
            assert printed[command]["year"] == page.evaluate("megalopolis.app.year")
        rows = printed["travel"]["result"]["indicators"]
        area = "cluster:" + page.evaluate("megalopolis.app.focus")
        for place, chosen in (("320600", "320600"), (area, None)):
            wanted = {r["indicator"]: r["value"] for r in rows if r["place"] == place}
            assert len(wanted) > 6
            if chosen:
                shown(page, chosen, "accessibility")
            else:
                page.evaluate("megalopolis.app.choose(null)")
                expect(page.locator("#formed-here")).to_be_visible()
            for indicator, value in wanted.items():
                cell = page.locator(f'tr[data-indicator="{indicator}"] td[data-case="plan"]')
                assert float(cell.get_attribute("data-value")) == value, (place, indicator)
        planned = {row["id"]: row for row in printed["clusters"]["result"]["planned"]}
        matches = page.evaluate("megalopolis.app.view.clusters.plan.planned")
        assert set(matches) == set(planned)
        for id_, match in matches.items():
            assert match["jaccard"] == planned[id_]["jaccard"]
            for side in ("missing", "extra"):
                assert match[side] == [city["id"] for city in planned[id_][side]]
        own = planned[area.partition(":")[2]]
        table = page.locator("#formed-here td.number").all_inner_texts()
        assert table[1] == f"{own['jaccard']:.2f}"
        cities = page.evaluate("id => megalopolis.app.region.clusters.find(c => c.id === id).cities.length", own["id"])
        assert table[3] == f"{cities - len(own['missing'])} of {cities}"
        for column, name in (("cluster_minutes", "mean_minutes"), ("cohesion", "cohesion")):
            cell = page.locator(f'tr[data-indicator="{column}"] td[data-case="plan"]')
            assert float(cell.get_attribute("data-value")) == own[name]
    finally:
        page.close()


def test_china_opens_on_a_finished_example_within_its_weight(browser, china) -> None:
    server = china
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    try:
        page = context.new_page()
        weight, hosts = [0], set()
        cdp = context.new_cdp_session(page)
        cdp.send("Network.enable")
        cdp.on("Network.loadingFinished", lambda e: weight.__setitem__(0, weight[0] + int(e["encodedDataLength"])))
        page.on("request", lambda request: hosts.add(request.url.split("/")[2]) if "//" in request.url else None)
        page.goto(server.url)
        page.wait_for_function("() => window.megalopolis?.app?.view", timeout=120_000)
        page.wait_for_function("() => megalopolis.app.view.complete", timeout=120_000)
        assert page.evaluate("megalopolis.app.plan.name") == "China 2035"
        assert page.evaluate("megalopolis.app.nameOf('cluster:' + megalopolis.app.focus)") == "Yangtze River Delta"
        assert page.locator(".ranking li").count() == 10
        assert "median error" in page.locator("#trust > summary").inner_text()
        assert hosts == {f"localhost:{server.port}"}
        assert weight[0] < 2_000_000
        coloured = page.evaluate(
            "megalopolis.app.scope.filter(c => Number.isFinite(megalopolis.app.mapValue(c))).length"
        )
        assert coloured > 20
        page.wait_for_function(DONE, timeout=120_000)
        page.wait_for_timeout(500)
        picture = page.screenshot(path=PICTURE if os.environ.get("MEGALOPOLIS_PICTURES") else None)
        assert len(picture) > 100_000  # not blank; the README's is made anew with MEGALOPOLIS_PICTURES=1
    finally:
        context.close()

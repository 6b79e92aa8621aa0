import { describe, expect, it } from "vitest";
import { acknowledged, changed, choices, documentOf, draftOf, History, naming, newLine, newSetback, slug, withStops } from "../src/draft";
import { greatCircleKm, withKm } from "../src/geo";
import type { PlanDoc, Stop } from "../src/types";

const stop = (station: string, lon: number, lat: number, km: number, made = false): Stop => ({ station, city: station, name: station, name_local: null, lon, lat, km, new: made });
const stops = [stop("a", 0, 0, 0), stop("b", 1, 0, 150), stop("c", 2, 0, 300)];
const plan: PlanDoc = {
  hash: "0",
  region: "r",
  name: "P",
  names: {},
  description: "What it is for.",
  descriptions: { zh: "用途" },
  years: [2030],
  measures: [
    { id: "line", kind: "rail_line", name: "Line", name_local: "Line", measure: { kind: "rail_line", name: "Line", stops: ["a", "b", "c"], cost: 300, opens: 2028 }, cost: 300, cost_status: "sourced", source: null, stops },
    { id: "late", kind: "delay", name: "Late", name_local: "Late", measure: { kind: "delay", name: "Late", lines: ["Line"], years: 2 }, cost: null, cost_status: "estimated", source: null },
  ],
};

it("one degree of the equator is 111.2 km", () => {
  expect(greatCircleKm({ lon: 0, lat: 0 }, { lon: 1, lat: 0 })).toBeCloseTo(111.19, 1);
});

describe("a line whose stop moves", () => {
  const moved = [stops[0], stop("Line 1", 1, 0.5, 0, true), stops[2]];

  it("keeps the length of legs that did not move", () => {
    const placed = withKm([...stops, stop("d", 3, 0, 0)], stops);
    expect(placed.map((s) => s.km)).toEqual([0, 150, 300, expect.closeTo(300 + 1.15 * 111.19, 0)]);
  });

  it("costs in proportion to its length, as an estimate", () => {
    const line = draftOf(plan).measures[0];
    const now = withStops(line, moved);
    const km = now.stops!.at(-1)!.km;
    expect(km).toBeGreaterThan(250);
    expect(now.fields.cost).toBe(Math.round((300 * km) / 300));
    expect(now.fields.status).toBe("estimated");
    expect(now.fields.stops).toEqual([{ station: "a", km: 0 }, { name: "Line 1", lon: 1, lat: 0.5, km: now.stops![1].km, city: "Line 1" }, { station: "c", km }].map((s) => (s.station === "a" || s.station === "c" ? { city: s.station, km: s.km } : s)));
    expect(line.fields.cost).toBe(300);
  });
});

describe("a draft", () => {
  it("leaves out what is off, and what needs it", () => {
    const draft = changed(draftOf(plan), "line", (m) => ({ ...m, off: true }));
    expect(documentOf(draft).measures).toEqual([]);
    expect((documentOf(draftOf(plan)).measures as unknown[]).length).toBe(2);
    expect(documentOf(draft)).toMatchObject({ description: "What it is for.", descriptions: { zh: "用途" } });
    expect(acknowledged(draft, { ...plan, measures: [] }).measures.length).toBe(2);
  });

  it("takes steps back and forth", () => {
    const first = draftOf(plan);
    const history = new History(first);
    const second = { ...first, name: "Q" };
    history.push(second);
    expect(history.undo()).toBe(true);
    expect(history.now).toBe(first);
    expect(history.undo()).toBe(false);
    expect(history.redo()).toBe(true);
    expect(history.now).toBe(second);
    history.undo();
    history.push({ ...first, name: "R" });
    expect(history.canRedo).toBe(false);
  });

  it("ids are those of the engine", () => {
    expect(slug("Chengdu-Chongqing middle line")).toBe("chengdu-chongqing-middle-line");
    expect(slug("新线1")).toBe("新线1");
    expect(newLine("New line 1", stops, 2030).id).toBe("new-line-1");
  });
});

describe("a delay and an overrun", () => {
  const road = { id: "road", kind: "road_time", name: "Road", name_local: "路", measure: { kind: "road_time", name: "Road", opens: 2028 }, cost: null, cost_status: "estimated", source: null };
  const gate = { ...road, id: "gate", kind: "trade_barrier", name: "Gate", name_local: "Gate", measure: { kind: "trade_barrier", name: "Gate", opens: 2029, cost: 5 } };
  const draft = draftOf({ ...plan, measures: [plan.measures[0], road, { ...plan.measures[1], measure: { kind: "delay", name: "Late", measures: ["路"], years: 2 } }, gate] });
  const late = draft.measures[2];

  it("meet what stands before them: lines, or what opens, or what has a cost", () => {
    expect(choices(draft, late, "lines").map((m) => m.id)).toEqual(["line"]);
    expect(choices(draft, late, "measures").map((m) => m.id)).toEqual(["road"]);
    const dear = newSetback("overrun", "Dear", "measures");
    const longer = { ...draft, measures: [...draft.measures, dear] };
    expect(choices(longer, dear, "measures").map((m) => m.id)).toEqual(["gate"]);
    expect(dear.fields).toMatchObject({ measures: "all", factor: 1.2, status: "assumed" });
  });

  it("name what is picked, and no longer what is not", () => {
    expect(naming(late, "measures", draft.measures[3], true)).toEqual(["路", "Gate"]);
    expect(naming(late, "measures", draft.measures[1], false)).toBeUndefined();
    expect(naming(late, "lines", draft.measures[0], true)).toEqual(["Line"]);
  });

  it("are out where all that they name is off", () => {
    const off = changed(draft, "road", (m) => ({ ...m, off: true }));
    expect((documentOf(off).measures as { name: string }[]).map((m) => m.name)).toEqual(["Line", "Gate"]);
    const both = changed(off, "late", (m) => ({ ...m, fields: { ...m.fields, lines: ["Line"] } }));
    expect((documentOf(both).measures as object[])[1]).toEqual({ kind: "delay", name: "Late", years: 2, lines: ["Line"] });
  });
});

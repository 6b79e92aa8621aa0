// The plan as it is being edited: measures with their switches, undo and redo.
import { lengthKm, stopFields, withKm } from "./geo";
import type { Fields, MeasureDoc, PlanDoc, Point, Stop } from "./types";

export interface Measure {
  id: string;
  kind: string;
  name: string;
  nameLocal: string;
  fields: Fields;
  off: boolean;
  cost: number | null;
  costStatus: string;
  source: string | null;
  stops: Stop[] | null;
  at: Point[] | null;
}

export interface Draft {
  name: string;
  names: Record<string, string>;
  description: string;
  descriptions: Record<string, string>;
  years: number[];
  measures: Measure[];
}

function measureOf(doc: MeasureDoc): Measure {
  return {
    id: doc.id,
    kind: doc.kind,
    name: doc.name,
    nameLocal: doc.name_local,
    fields: doc.measure,
    off: false,
    cost: doc.cost,
    costStatus: doc.cost_status,
    source: doc.source,
    stops: doc.stops ?? null,
    at: doc.at ?? null,
  };
}

export function draftOf(plan: PlanDoc): Draft {
  const { name, names, description, descriptions, years } = plan;
  return { name, names, description, descriptions, years, measures: plan.measures.map(measureOf) };
}

/** Take what the server resolved into the draft; measures that are off stay as they were, in their places. */
export function acknowledged(draft: Draft, plan: PlanDoc): Draft {
  const found = new Map(plan.measures.map((m) => [m.id, measureOf(m)]));
  return { ...draft, measures: draft.measures.map((m) => (m.off ? m : (found.get(m.id) ?? m))) };
}

/** The plan as a plan file holds it. Measures that name one that is off are off with it. */
export function documentOf(draft: Draft): Fields {
  const off = new Set(draft.measures.filter((m) => m.off).flatMap((m) => [m.id, m.name, m.nameLocal]));
  const measures = draft.measures
    .filter((m) => !m.off && !(typeof m.fields.line === "string" && off.has(m.fields.line)))
    .flatMap((m) => {
      const fields = { ...m.fields };
      for (const key of NAMING) if (Array.isArray(fields[key])) fields[key] = kept((fields[key] as string[]).filter((name) => !off.has(name)));
      return NAMING.some((key) => m.fields[key]) && !NAMING.some((key) => fields[key]) ? [] : [fields];
    });
  const { name, names, description, descriptions, years } = draft;
  return { name, names, description, descriptions, years, measures };
}

/** Fields of a delay and an overrun that name what they meet: names, or "all". */
export type Naming = "lines" | "measures";
export const NAMING: readonly Naming[] = ["lines", "measures"];
const kept = (names: string[]): string[] | undefined => (names.length ? names : undefined);

export const called = (m: Measure, name: string): boolean => [m.id, m.name, m.nameLocal].includes(name);

/** Measures before a delay or an overrun that it can meet: new lines, or what opens (what has a cost) and is none. */
export function choices(draft: Draft, setback: Measure, field: Naming): Measure[] {
  const earlier = draft.measures.slice(0, draft.measures.findIndex((m) => m.id === setback.id));
  if (field === "lines") return earlier.filter((m) => m.kind === "rail_line");
  const needed = setback.kind === "delay" ? "opens" : "cost";
  return earlier.filter((m) => m.kind !== "rail_line" && typeof m.fields[needed] === "number");
}

/** What a delay or an overrun names with one name more, or less. */
export function naming(setback: Measure, field: Naming, m: Measure, on: boolean): string[] | undefined {
  const now = Array.isArray(setback.fields[field]) ? (setback.fields[field] as string[]) : [];
  return kept(on ? [...now, m.name] : now.filter((name) => !called(m, name)));
}

/** A delay of a year, or a fifth more to pay, of all that opens after today. */
export function newSetback(kind: "delay" | "overrun", name: string, met: Naming): Measure {
  const size = kind === "delay" ? { years: 1 } : { factor: 1.2 };
  const fields: Fields = { kind, name, status: "assumed", [met]: "all", ...size };
  return { id: slug(name), kind, name, nameLocal: name, fields, off: false, cost: null, costStatus: "estimated", source: null, stops: null, at: null };
}

export function changed(draft: Draft, id: string, change: (m: Measure) => Measure): Draft {
  return { ...draft, measures: draft.measures.map((m) => (m.id === id ? change(m) : m)) };
}

/** Another course of a line: km follow, and the announced cost in proportion to the length. */
export function withStops(measure: Measure, stops: Stop[], before: Measure = measure): Measure {
  const placed = withKm(stops, before.stops ?? []);
  const fields: Fields = { ...before.fields, stops: placed.map(stopFields) };
  const old = lengthKm(before.stops ?? []);
  let cost = before.cost;
  if (typeof before.fields.cost === "number" && old > 0) {
    cost = Math.round((before.fields.cost * lengthKm(placed)) / old);
    fields.cost = cost;
    fields.status = "estimated";
  }
  return { ...measure, stops: placed, fields, cost, costStatus: fields.cost === undefined ? measure.costStatus : "estimated" };
}

export function newLine(name: string, stops: Stop[], opens: number): Measure {
  const base: Measure = {
    id: slug(name),
    kind: "rail_line",
    name,
    nameLocal: name,
    fields: { kind: "rail_line", name, status: "assumed", stops: [], line_kind: "hsr", speed_kmh: 350, headway_min: 30, opens },
    off: false,
    cost: null,
    costStatus: "estimated",
    source: null,
    stops: [],
    at: null,
  };
  return withStops(base, stops);
}

export const slug = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}_]+/gu, "-").replace(/^-+|-+$/g, "");

/** Undo and redo over immutable drafts. */
export class History {
  private past: Draft[] = [];
  private future: Draft[] = [];

  constructor(public now: Draft) {}

  push(draft: Draft): void {
    this.past.push(this.now);
    if (this.past.length > 200) this.past.shift();
    this.future = [];
    this.now = draft;
  }

  /** Replace the present without a step: what the server resolved is the same plan. */
  settle(draft: Draft): void {
    this.now = draft;
  }

  undo(): boolean {
    const last = this.past.pop();
    if (!last) return false;
    this.future.push(this.now);
    this.now = last;
    return true;
  }

  redo(): boolean {
    const next = this.future.pop();
    if (!next) return false;
    this.past.push(this.now);
    this.now = next;
    return true;
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }
}

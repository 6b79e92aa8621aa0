// What the server sends; src/megalopolis/web/documents.py and views.py write it.

export type Language = "en" | "zh";
export type Mode = "baseline" | "plan" | "difference";
export type Point = [number, number];

export interface City {
  id: string;
  name: string;
  name_local: string;
  lon: number;
  lat: number;
  population: number | null;
  main_station: string | null;
  part: boolean;
}

export interface Outlined {
  cities: string[];
  outline: Point[][][];
}

/** How far the branch that travel forms matches a planned cluster, and in which cities they differ. */
export interface Match {
  jaccard: number;
  missing: string[];
  extra: string[];
  maturity: string;
}

/** Clusters that travel forms; src/megalopolis/web/formed.py writes them. */
export interface Formed {
  formed: (Outlined & { leader: string })[];
  planned: Record<string, Match>;
}

export interface Cluster extends Outlined {
  id: string;
  name: string;
  name_local: string;
}

export interface Indicator {
  id: string;
  unit: string;
  better: -1 | 0 | 1;
  aggregate: string;
  account: string;
  label_en: string;
  label_zh: string;
  description: string;
  description_zh: string;
  pillar: string;
}

export interface River {
  id: string;
  name: string | null;
  name_local: string | null;
  kind: string | null;
  flow: number | null;
  lines: Point[][];
}

export interface Section {
  id: string;
  name: string | null;
  name_local: string | null;
  city: string | null;
  target: string | null;
  lon: number;
  lat: number;
}

export interface RegionDoc {
  id: string;
  name: string;
  names: Record<string, string>;
  currency: string;
  base_year: number;
  today: number;
  default_plan: string | null;
  plans: string[];
  cities: City[];
  clusters: Cluster[];
  rivers: River[];
  sections: Section[];
  indicators: Indicator[];
  places: string[];
  assumed: string[];
}

export interface Line {
  id: string;
  name: string;
  name_local: string | null;
  kind: string;
  operating_kmh: number | null;
  speed_kmh: number | null;
  headway_min: number | null;
  opened: number | null;
  at: Point[];
}

export interface Stop {
  station: string;
  city: string | null;
  name: string;
  name_local: string | null;
  lon: number;
  lat: number;
  km: number;
  new: boolean;
}

export type Fields = Record<string, unknown>;

export interface MeasureDoc {
  id: string;
  kind: string;
  name: string;
  name_local: string;
  measure: Fields;
  cost: number | null;
  cost_status: string;
  source: string | null;
  stops?: Stop[];
  at?: Point[];
}

export interface PlanDoc {
  hash: string;
  region: string;
  name: string;
  names: Record<string, string>;
  description: string;
  descriptions: Record<string, string>;
  years: number[];
  measures: MeasureDoc[];
}

export interface Spread {
  low: (number | null)[];
  high: (number | null)[];
}
export interface Values extends Spread {
  value: (number | null)[];
}
export interface Gap extends Spread {
  difference: (number | null)[];
}

export interface Column {
  baseline: Values;
  plan?: Values;
  difference: Gap;
  status: string[];
}

export interface View {
  plan: string | null;
  year: number;
  complete: boolean;
  draws: number;
  places: string[];
  indicators: Record<string, Column>;
  clusters: Record<string, Formed>;
  warnings: Record<string, string[]>;
  skipped: Record<string, string>;
  trust: Record<Language, { head: string; text: string; note: string }[]> | null;
}

export interface Job {
  id: string;
  state: "queued" | "running" | "done" | "failed" | "refused" | "cancelled";
  stage: string;
  done: number;
  total: number;
  error: string[];
  revision: number;
}

export interface Live {
  seq: number;
  of: "travel" | "clusters";
  columns: Map<string, Float32Array>;
}

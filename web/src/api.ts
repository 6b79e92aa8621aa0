// REST and the live channel. One edit is in flight at a time; a newer one replaces the one that waits.
import type { Fields, Formed, Job, Line, Live, PlanDoc, RegionDoc, View } from "./types";

export class Refused extends Error {}
export class Unreachable extends Error {}

async function call<T>(path: string, init?: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch {
    throw new Unreachable(path);
  }
  if (!answer.ok) {
    let said = [answer.statusText];
    try {
      said = ((await answer.json()) as { error: string[] }).error;
    } catch {
      /* not ours */
    }
    throw new Refused(said.join(" · "));
  }
  return (await answer.json()) as T;
}

const post = <T>(path: string, body: unknown): Promise<T> =>
  call<T>(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

export interface RegionEntry {
  id: string;
  name: string;
  names: Record<string, string>;
  plans: string[];
}

export const regions = (): Promise<RegionEntry[]> => call("api/regions");
export const region = (id: string): Promise<RegionDoc> => call(`api/regions/${encodeURIComponent(id)}`);
export const land = (id: string): Promise<GeoJSON.Feature> => call(`api/regions/${encodeURIComponent(id)}/land`);
export const lines = (id: string, year: number): Promise<Line[]> => call(`api/regions/${encodeURIComponent(id)}/lines?year=${year}`);
export const plan = (name: string): Promise<PlanDoc> => call(`api/plans/${name.split("/").map(encodeURIComponent).join("/")}`);
export const sendPlan = (regionId: string, document: Fields): Promise<PlanDoc> => post("api/plans", { region: regionId, plan: document });
export const sendYaml = (regionId: string, yaml: string): Promise<PlanDoc> => post("api/plans", { region: regionId, yaml });
export const view = (id: string): Promise<View> => call(`api/evaluations/${id}/view`);
export const evaluate = (regionId: string, planHash: string | null, year: number): Promise<Job> =>
  post("api/evaluations", { region: regionId, plan: planHash, year });
export const evaluation = (id: string): Promise<Job> => call(`api/evaluations/${id}`);

export interface Why {
  indicator: { description: string };
  parameters: { id: string; value: number; low: number; high: number; unit: string; status: string; source: string }[];
  sources: { table: string; column: string; status: string; source: string; year: string | null; publisher: string | null }[];
}
export const why = (id: string, indicator: string): Promise<Why> =>
  call(`api/regions/${encodeURIComponent(id)}/why/${encodeURIComponent(indicator)}`);

export interface Minutes {
  cities: string[];
  baseline: (number | null)[];
  plan?: (number | null)[];
}
export const minutes = (id: string, place: string, year: number, planHash: string | null): Promise<Minutes> => {
  const query = new URLSearchParams({ place, year: String(year) });
  if (planHash) query.set("plan", planHash);
  return call(`api/regions/${encodeURIComponent(id)}/minutes?${query}`);
};

export const isochrones = (id: string, place: string, year: number, planHash: string | null): Promise<GeoJSON.FeatureCollection> => {
  const query = new URLSearchParams({ place, year: String(year) });
  if (planHash) query.set("plan", planHash);
  return call(`api/regions/${encodeURIComponent(id)}/isochrones?${query}`);
};

export interface Edit {
  region: string;
  plan: string | null;
  year: number;
  measure: Fields;
  replaces: string | null;
  place: string | null;
  clusters: boolean;
}

interface Handlers {
  live: (frame: Live, at: number) => void;
  clusters: (found: Formed, at: number) => void;
  job: (job: Job) => void;
  error: (lines: string[], seq: number | null) => void;
  state: (open: boolean) => void;
}

/** Read a binary frame: header length, JSON header, Float32 columns. */
export function readFrame(buffer: ArrayBuffer): Live {
  const size = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size))) as { seq: number; of: Live["of"]; columns: string[]; places: number };
  const columns = new Map<string, Float32Array>();
  head.columns.forEach((name, k) => columns.set(name, new Float32Array(buffer, 4 + size + 4 * k * head.places, head.places)));
  return { seq: head.seq, of: head.of, columns };
}

/** At most one edit in flight; of those that wait only the newest is kept. */
export class Latest<T> {
  private waiting: T | null = null;
  private busy = false;

  constructor(private readonly send: (item: T) => boolean) {}

  offer(item: T): void {
    this.waiting = item;
    this.next();
  }

  answered(): void {
    this.busy = false;
    this.next();
  }

  reset(): void {
    this.busy = false;
    this.waiting = null;
  }

  get idle(): boolean {
    return !this.busy && this.waiting === null;
  }

  private next(): void {
    if (this.busy || this.waiting === null) return;
    const item = this.waiting;
    if (this.send(item)) {
      this.waiting = null;
      this.busy = true;
    }
  }
}

/** The live channel, opened again whenever it breaks. */
export class Channel {
  private socket: WebSocket | null = null;
  private seq = 0;
  private readonly started = new Map<number, number>();
  private readonly forming = new Map<number, number>();
  private readonly latest = new Latest<{ message: object; seq: number; at: number }>((item) => {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.started.set(item.seq, item.at);
    this.forming.set(item.seq, item.at);
    this.socket.send(JSON.stringify(item.message));
    return true;
  });

  constructor(private readonly handlers: Handlers) {
    this.open();
  }

  get connected(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  get idle(): boolean {
    return this.latest.idle;
  }

  /** Send a line at a new place; `at` is the time of the move that asks. Returns its number. */
  edit(edit: Edit, at: number): number {
    const seq = ++this.seq;
    this.latest.offer({ message: { type: "edit", seq, ...edit }, seq, at });
    return seq;
  }

  evaluate(regionId: string, planHash: string | null, year: number): boolean {
    return this.send({ type: "evaluate", region: regionId, plan: planHash, year });
  }

  cancel(): void {
    this.send({ type: "cancel" });
  }

  private send(message: object): boolean {
    if (!this.connected) return false;
    this.socket!.send(JSON.stringify(message));
    return true;
  }

  private open(): void {
    const url = new URL("api/live", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.hash = "";
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    socket.onopen = () => {
      this.latest.reset();
      this.started.clear();
      this.forming.clear();
      this.handlers.state(true);
    };
    socket.onclose = () => {
      this.handlers.state(false);
      setTimeout(() => this.open(), 1000);
    };
    socket.onmessage = (event) => {
      if (event.data instanceof ArrayBuffer) {
        const frame = readFrame(event.data);
        const at = this.started.get(frame.seq) ?? performance.now();
        if (frame.of === "travel") {
          this.started.delete(frame.seq);
          this.latest.answered();
        }
        this.handlers.live(frame, at);
        return;
      }
      const message = JSON.parse(event.data as string) as { type: string; error: string[]; seq?: number | null } & Job & Formed;
      if (message.type === "job") this.handlers.job(message);
      else if (message.type === "clusters") {
        const at = this.forming.get(message.seq!) ?? performance.now();
        for (const seq of this.forming.keys()) if (seq <= message.seq!) this.forming.delete(seq); // those in between go without
        this.handlers.clusters(message, at);
      }
      else if (message.type === "error") {
        if (message.seq !== undefined && message.seq !== null) {
          this.started.delete(message.seq);
          this.latest.answered();
        }
        this.handlers.error(message.error, message.seq ?? null);
      }
    };
  }
}

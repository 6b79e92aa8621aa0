// The page's state and what happens to it. Panels only draw it.
import * as api from "./api";
import { changeClasses, type Classes, colourOf, levelClasses, UNCHANGED } from "./colour";
import { acknowledged, changed, choices, documentOf, type Draft, draftOf, History, type Measure, type Naming, naming, newLine, newSetback, slug, withStops } from "./draft";
import { h } from "./dom";
import { greatCircleKm } from "./geo";
import { headUnit, known, number, type Printed } from "./number";
import { Pane } from "./pane";
import type { City, Column, Formed, Indicator, Job, Language, Line, Live, Match, Mode, PlanDoc, RegionDoc, Stop, View } from "./types";
import { type Words, wordsOf } from "./words";

export const MINUTES = "minutes";
const CHANGES_FROM = 0.05;

export interface Other {
  name: string;
  plan: PlanDoc;
  view: View | null;
}

/** Timings for the benchmark: milliseconds from a move of the pointer to its colours, and its clusters, on the canvas. */
export const timings: { moves: number[]; clusters: number[]; sent: number; drawn: number; lastSeq: number; drawnSeq: number } = { moves: [], clusters: [], sent: 0, drawn: 0, lastSeq: 0, drawnSeq: 0 };

export class App {
  words: Words;
  history = new History({ name: "", names: {}, description: "", descriptions: {}, years: [], measures: [] });
  plan: PlanDoc | null = null;
  view: View | null = null;
  job: Job | null = null;
  online = true;
  pending = false;
  notice = "";
  trouble = "";
  live: Live | null = null;
  /** Clusters of the line being dragged, and how many seconds after its move they were drawn. */
  forming: { found: Formed; age: number } | null = null;
  dragging: { stop: number; before: Measure; now: Measure } | null = null;
  open: string | null = null;
  /** Whether the card of the measure at hand is to be scrolled into view. */
  reveal = false;
  place: string | null = null;
  focus = "";
  year: number;
  indicator = "accessibility";
  mode: Mode = "difference";
  isochrones: api.Minutes | null = null;
  classes: Classes = { edges: [], colours: [UNCHANGED] };
  other: Other | null = null;
  lines: Line[] = [];
  drawn: Stop[] | null = null;
  left = true;
  layers = { planned: true, formed: true, rivers: true, lines: true };
  readonly channel: api.Channel;
  readonly pane: Pane;
  otherPane: Pane | null = null;
  readonly cities: Map<string, City>;
  readonly indicators: Map<string, Indicator>;
  private position = new Map<string, number>();
  private readonly framePosition: Map<string, number>;
  private land: GeoJSON.Feature | null = null;
  private sending = 0;
  private started = false;
  before: { indicator: string; mode: Mode } = { indicator: "accessibility", mode: "difference" };

  constructor(
    readonly region: RegionDoc,
    readonly entries: api.RegionEntry[],
    readonly elements: { map: HTMLElement; other: HTMLElement },
    readonly language: Language,
    private readonly render: () => void,
  ) {
    this.words = wordsOf(language);
    this.cities = new Map(region.cities.map((c) => [c.id, c]));
    this.framePosition = new Map(region.places.map((p, i) => [p, i]));
    this.indicators = new Map(region.indicators.map((i) => [i.id, i]));
    this.year = region.today;
    const largest = [...region.clusters].sort((a, b) => this.peopleOf(b.cities) - this.peopleOf(a.cities))[0];
    this.focus = largest?.id ?? "";
    this.pane = this.newPane(elements.map);
    this.channel = new api.Channel({
      live: (frame, at) => this.onFrame(frame, at),
      clusters: (found, at) => this.onClusters(found, at),
      job: (job) => void this.onJob(job),
      error: (lines) => this.onError(lines),
      state: (open) => void this.onConnection(open),
    });
  }

  // ---- names, numbers -------------------------------------------------------------------------------------------

  nameOf(place: string): string {
    const city = this.cities.get(place);
    if (city) return this.language === "zh" ? city.name_local : city.name;
    if (place === "region") return this.words("whole");
    const cluster = this.region.clusters.find((c) => `cluster:${c.id}` === place);
    return cluster ? this.pick(cluster.name, cluster.name_local) : place;
  }

  pick(name: string, local: string | null | undefined): string {
    return this.language === "zh" && local ? local : name;
  }

  measureName(m: Measure): string {
    return this.pick(m.name, m.nameLocal);
  }

  label(id: string): string {
    if (id === MINUTES) return this.words("minutes_from", { name: this.place ? this.nameOf(this.place) : "" });
    const entry = this.indicators.get(id);
    if (!entry) return id;
    return this.language === "zh" && entry.label_zh ? entry.label_zh : entry.label_en;
  }

  unit(id: string): string {
    if (id === MINUTES) return "min";
    const unit = this.indicators.get(id)?.unit ?? "";
    return unit === "currency" ? this.region.currency : unit;
  }

  print(id: string, value: number | null | undefined, low: number | null = null, high: number | null = null, signed = false): Printed {
    return number(value, low, high, this.unit(id), this.language, signed);
  }

  headOf(id: string): string {
    const unit = headUnit(this.unit(id), this.region.currency, this.language);
    return unit ? `${this.label(id)} [${unit}]` : this.label(id);
  }

  get draft(): Draft {
    return this.history.now;
  }

  get measures(): Measure[] {
    const dragged = this.dragging?.now;
    return dragged ? this.draft.measures.map((m) => (m.id === dragged.id ? dragged : m)) : this.draft.measures;
  }

  get active(): Measure | null {
    return this.measures.find((m) => m.id === this.open) ?? null;
  }

  get years(): number[] {
    return this.plan?.years ?? [this.region.today];
  }

  /** Cities in the area chosen. */
  get scope(): City[] {
    const members = this.region.clusters.find((c) => c.id === this.focus)?.cities;
    return members ? members.map((id) => this.cities.get(id)!).filter(Boolean) : this.region.cities.filter((c) => !c.part);
  }

  private peopleOf(ids: string[]): number {
    return ids.reduce((sum, id) => sum + (this.cities.get(id)?.population ?? 0), 0);
  }

  // ---- values ---------------------------------------------------------------------------------------------------

  column(id: string, view: View | null = this.view): Column | null {
    return view?.indicators[id] ?? null;
  }

  private at(place: string, view: View | null = this.view): number {
    if (view !== this.view) return view ? view.places.indexOf(place) : -1;
    return this.position.get(place) ?? -1;
  }

  /** Value, low and high of a place in a case. While dragging, travel is that of the frame, without a range. */
  values(id: string, place: string, mode: Mode, view: View | null = this.view): [number | null, number | null, number | null] {
    if (id === MINUTES) return [this.minutesTo(place, mode), null, null];
    const column = this.column(id, view);
    const i = this.at(place, view);
    if (!column || i < 0) return [null, null, null];
    const base = column.baseline.value[i];
    const now = view === this.view && mode !== "baseline" ? this.moving(id, place) : null;
    if (now !== null) {
      return [mode === "plan" ? now : known(base) ? now - base : null, null, null];
    }
    if (mode === "difference") return [column.difference.difference[i], column.difference.low[i], column.difference.high[i]];
    const part = mode === "plan" && column.plan ? column.plan : column.baseline;
    return [part.value[i], part.low[i], part.high[i]];
  }

  /** Value of the frame while dragging; null where none follows. */
  private moving(id: string, place: string): number | null {
    const value = this.live?.columns.get(id)?.[this.framePosition.get(place) ?? -1];
    return known(value) ? value : null;
  }

  /** Clusters that travel forms in a case; while dragging, those of the newest frame that has them. */
  formedIn(mode: Mode): Formed | null {
    const found = this.view?.clusters;
    if (mode === "baseline") return found?.baseline ?? null;
    return this.forming?.found ?? found?.plan ?? found?.baseline ?? null;
  }

  /** How far the branch nearest to a planned cluster matches it. */
  match(cluster: string, mode: Mode): Match | null {
    return this.formedIn(mode)?.planned[cluster] ?? null;
  }

  /** Whether the clusters on the page are older than the line on the map. */
  get staleClusters(): boolean {
    if (this.dragging || this.live) return this.forming === null;
    return this.stale("cohesion");
  }

  private minutesTo(place: string, mode: Mode): number | null {
    const found = this.isochrones;
    const i = found ? found.cities.indexOf(place) : -1;
    if (!found || i < 0) return null;
    const before = found.baseline[i];
    const after = this.moving(MINUTES, place) ?? found.plan?.[i] ?? before;
    if (mode === "baseline") return before;
    if (mode === "plan") return after;
    return known(before) && known(after) ? after - before : null;
  }

  /** Change in per cent, or in the unit itself where a share of zero has no meaning. */
  change(id: string, place: string, view: View | null = this.view): number | null {
    const [gap] = this.values(id, place, "difference", view);
    if (!this.relative(id)) return gap;
    const [base] = this.values(id, place, "baseline", view);
    return known(gap) && known(base) && base !== 0 ? (100 * gap) / Math.abs(base) : gap === 0 ? 0 : null;
  }

  /** Whether changes are shown in per cent: not of shares, of minutes from a city, nor where many values are zero. */
  relative(id: string): boolean {
    if (id === MINUTES || this.unit(id) === "share") return false;
    const column = this.column(id);
    return !column || column.baseline.value.filter((v) => v === 0).length < column.baseline.value.length / 4;
  }

  changeUnit(id: string): string {
    return this.relative(id) ? "%" : this.unit(id);
  }

  mapValue(city: City, view: View | null = this.view): number | null {
    return this.mode === "difference" ? this.change(this.indicator, city.id, view) : this.values(this.indicator, city.id, this.mode, view)[0];
  }

  better(id: string): number {
    return id === MINUTES ? -1 : (this.indicators.get(id)?.better ?? 0);
  }

  /** Whether a number on the page is older than the line on the map. */
  stale(id: string, place = this.region.cities[0]?.id ?? ""): boolean {
    if (this.dragging || this.live) return this.moving(id, place) === null;
    return this.pending || (this.job !== null && (this.view?.plan !== (this.plan?.hash ?? null) || this.view?.year !== this.year));
  }

  /** Whether every number on the page is that of the plan on the page. */
  get settled(): boolean {
    return this.online && !this.pending && !this.dragging && this.job?.state === "done" && this.view?.complete === true && this.view.plan === (this.plan?.hash ?? null) && this.view.year === this.year;
  }

  get indicatorsOnMap(): Indicator[] {
    const ids = this.view ? Object.keys(this.view.indicators) : ["accessibility", "people_60", "people_180", "mean_minutes"];
    const shown = this.region.indicators.filter((i) => ids.includes(i.id));
    if (!this.view) return shown;
    const cities = this.region.cities.map((c) => this.at(c.id)).filter((i) => i >= 0);
    return shown.filter((i) => cities.some((at) => known(this.view!.indicators[i.id].baseline.value[at])));
  }

  // ---- drawing --------------------------------------------------------------------------------------------------

  private newPane(element: HTMLElement): Pane {
    return new Pane(
      element,
      this.region,
      {
        pick: (city) => this.choose(city?.id ?? null),
        hover: (city, x, y) => this.hover(element, city, x, y),
        grab: (stop, between) => this.grab(stop, between),
        drag: (stop, lon, lat, city, at) => this.drag(stop, lon, lat, city, at),
        drop: () => this.drop(),
        deleteStop: (stop) => this.deleteStop(stop),
        place: (lon, lat, city) => this.placeStop(lon, lat, city),
        finish: () => this.finishLine(),
        moved: (pane) => this.follow(pane),
        pickLine: (id) => this.openMeasure(id),
      },
      this.words("map", { region: this.pick(this.region.name, this.region.names.zh) }),
    );
  }

  private follow(pane: Pane): void {
    const other = pane === this.pane ? this.otherPane : this.pane;
    if (!other || (Math.abs(other.map.getZoom() - pane.map.getZoom()) < 1e-6 && other.map.getCenter().distanceTo(pane.map.getCenter()) < 1)) return;
    other.follow(pane);
  }

  private hover(element: HTMLElement, city: City | null, x: number, y: number): void {
    let tip = element.querySelector<HTMLElement>(".tip");
    if (!city) return void tip?.remove();
    if (!tip) element.append((tip = h("div", { class: "tip" })));
    const value = this.mapValue(city, element === this.elements.other ? (this.other?.view ?? null) : this.view);
    const unit = this.mode === "difference" ? this.changeUnit(this.indicator) : this.unit(this.indicator);
    const text = number(value, null, null, unit, this.language, this.mode === "difference").text;
    tip.replaceChildren(h("b", {}, this.nameOf(city.id)), h("span", {}, `${this.headOf(this.indicator)}: ${text}`));
    tip.style.left = `${Math.min(x + 12, element.clientWidth - 240)}px`;
    tip.style.top = `${y + 12}px`;
  }

  classify(): void {
    const values = this.scope.flatMap((c) => [this.mapValue(c), this.other?.view ? this.mapValue(c, this.other.view) : null]).filter(known);
    if (this.mode !== "difference") this.classes = levelClasses(values, this.unit(this.indicator));
    else {
      const largest = Math.max(...values.map(Math.abs), 0);
      const nothing = this.relative(this.indicator) ? CHANGES_FROM : this.indicator === MINUTES ? 0.5 : Math.max(largest / 1000, 1e-12);
      this.classes = changeClasses(values, nothing, this.better(this.indicator));
    }
  }

  paint(after?: () => void): void {
    const inside = new Set(this.scope.map((c) => c.id));
    const scene = (view: View | null) => ({
      colour: (city: City) => colourOf(this.classes, this.mapValue(city, view)),
      outside: (city: City) => !inside.has(city.id),
      label: (city: City) => this.nameOf(city.id),
      selected: this.place,
      dimmed: this.stale(this.indicator) && this.indicator !== MINUTES,
    });
    this.pane.setScene(scene(this.view));
    this.pane.setLine(this.drawn ? { stops: this.drawn, dragged: null } : this.active?.stops && !this.active.off ? { stops: this.active.stops, dragged: this.dragging?.stop ?? null } : null);
    if (after) this.pane.draw(after);
    this.otherPane?.setScene(scene(this.other?.view ?? null));
  }

  private planLines(measures: Measure[]): { id: string; at: [number, number][]; later: boolean }[] {
    return measures
      .filter((m) => !m.off)
      .map((m) => ({
        id: m.id,
        at: m.stops ? m.stops.map((s): [number, number] => [s.lon, s.lat]) : (m.at ?? []),
        later: typeof m.fields.opens === "number" && m.fields.opens > this.year,
      }))
      .filter((m) => m.at.length > 1);
  }

  redraw(): void {
    this.classify();
    this.paint();
    this.pane.setPlan(this.planLines(this.draft.measures.filter((m) => m.id !== this.open)));
    this.pane.setFormed(this.formedIn(this.mode)?.formed ?? []);
    this.otherPane?.setFormed(this.other?.view?.clusters.plan?.formed ?? []);
    this.render();
  }

  setLayers(): void {
    for (const pane of [this.pane, this.otherPane]) {
      if (!pane) continue;
      pane.setLayer(["planned"], this.layers.planned);
      pane.showFormed(this.layers.formed);
      pane.setLayer(["rivers", "lakes", "sections"], this.layers.rivers);
      pane.setLayer(["lines"], this.layers.lines);
    }
  }

  // ---- start, navigation ----------------------------------------------------------------------------------------

  async start(planName: string | null): Promise<void> {
    const kept = this.keptDraft();
    this.setLayers();
    this.pane.fit(this.scope, false);
    void this.asked(api.land(this.region.id)).then((land) => {
      this.land = land;
      if (land) this.pane.setLand(land);
    });
    if (kept) {
      this.history = new History(kept);
      this.notice = this.words("restored");
      await this.send();
    } else if (planName) {
      try {
        this.take(await api.plan(planName));
      } catch (error) {
        this.trouble = this.words("refused", { what: (error as Error).message });
        if (this.region.default_plan && planName !== this.region.default_plan) this.take(await api.plan(this.region.default_plan));
      }
    }
    if (!this.plan && this.mode === "difference") this.mode = "baseline";
    this.started = true;
    if (this.plan || !planName) this.ask();
    await this.loadLines();
    this.redraw();
  }

  private take(plan: PlanDoc): void {
    this.plan = plan;
    this.history = new History(draftOf(plan));
    if (!this.years.includes(this.year) || this.year === this.region.today) this.year = this.years[this.years.length - 1];
    this.remember();
  }

  async openPlan(load: () => Promise<PlanDoc>): Promise<void> {
    try {
      this.take(await load());
      this.open = null;
      this.trouble = "";
      this.ask();
    } catch (error) {
      this.trouble = this.words("refused", { what: (error as Error).message });
    }
    this.redraw();
  }

  private async loadLines(): Promise<void> {
    const lines = await this.asked(api.lines(this.region.id, this.year));
    if (!lines) return;
    this.lines = lines;
    this.pane.setLines(this.lines);
    this.otherPane?.setLines(this.lines);
  }

  setYear(year: number): void {
    if (year === this.year) return;
    this.year = year;
    this.remember();
    void this.loadLines();
    this.ask();
    if (this.other) void this.evaluateOther();
    if (this.isochrones) void this.showMinutes(true);
    this.redraw();
  }

  setMode(mode: Mode): void {
    this.mode = mode;
    if (this.isochrones) void this.showReached();
    this.remember();
    this.redraw();
  }

  setIndicator(id: string): void {
    this.indicator = id;
    if (id !== MINUTES && this.isochrones) {
      this.isochrones = null;
      void this.showReached();
    }
    this.remember();
    this.redraw();
  }

  setFocus(id: string): void {
    this.focus = this.region.clusters.some((c) => c.id === id) ? id : "";
    this.pane.fit(this.scope);
    this.remember();
    this.redraw();
  }

  choose(place: string | null): void {
    this.place = place;
    if (this.isochrones) {
      if (place) void this.showMinutes(true);
      else void this.showMinutes(false);
    }
    this.remember();
    this.redraw();
  }

  async showMinutes(on: boolean): Promise<void> {
    if (!on || !this.place) {
      this.mode = this.before.mode;
      return this.setIndicator(this.before.indicator);
    }
    try {
      const [place, plan] = [this.place, this.plan?.hash ?? null];
      this.isochrones = await api.minutes(this.region.id, place, this.year, plan);
      void this.showReached();
      if (this.indicator !== MINUTES) this.before = { indicator: this.indicator, mode: this.mode };
      this.indicator = MINUTES;
      if (this.mode === "difference") this.mode = "plan";
    } catch (error) {
      this.trouble = this.words("refused", { what: (error as Error).message });
    }
    this.redraw();
  }

  /** Draw the land within 1, 2 and 3 hours of the city at hand, in the case that the map shows. */
  private async showReached(): Promise<void> {
    if (!this.isochrones || !this.place) return this.pane.setReached(null);
    const place = this.place;
    const land = await this.asked(api.isochrones(this.region.id, place, this.year, this.mode === "baseline" ? null : (this.plan?.hash ?? null)));
    if (land && this.isochrones && this.place === place) this.pane.setReached(land);
  }

  /** Address of what is on the screen: who opens it sees the same. */
  remember(): void {
    const query = new URLSearchParams({ region: this.region.id, year: String(this.year), show: this.indicator, as: this.mode, lang: this.language });
    if (this.plan) query.set("plan", this.plan.hash);
    if (this.focus) query.set("area", this.focus);
    if (this.place) query.set("city", this.place);
    history.replaceState(null, "", `#${query}`);
  }

  /** What the server answers; where it cannot, the page says so and goes on with what it has. */
  async asked<T>(answer: Promise<T>): Promise<T | null> {
    try {
      return await answer;
    } catch (error) {
      this.trouble = error instanceof api.Unreachable ? this.words("unreachable") : this.words("refused", { what: (error as Error).message });
      this.render();
      return null;
    }
  }

  // ---- evaluation -----------------------------------------------------------------------------------------------

  /** Ask for the whole evaluation of the plan that the server has taken. */
  ask(): void {
    this.channel.evaluate(this.region.id, this.plan?.hash ?? null, this.year);
  }

  private async onJob(job: Job): Promise<void> {
    const news = job.revision > 0 && (this.job?.id !== job.id || this.job.revision !== job.revision || this.view?.year !== this.year || this.view?.plan !== (this.plan?.hash ?? null));
    this.job = job;
    if (job.state === "failed" || job.state === "refused") this.trouble = this.words("failed", { what: job.error.join(" · ") });
    if (job.state === "cancelled") this.notice = this.words("cancelled");
    if (job.state === "running") this.notice = "";
    if (news) {
      try {
        const view = await api.view(job.id);
        if (this.job?.id !== job.id) return;
        const fewer = this.view !== null && Object.keys(view.indicators).length < Object.keys(this.view.indicators).length;
        if (!view.complete && job.state !== "done" && fewer) return this.render(); // what is there says more: it stays, dimmed
        this.view = view;
        this.position = new Map(view.places.map((p, i) => [p, i]));
        if (!this.dragging) this.still();
        if (view.complete || job.state === "done") this.trouble = "";
        this.redraw();
      } catch {
        /* the next message brings it again */
      }
    }
    if (!this.dragging && this.job && ["done", "failed", "refused", "cancelled"].includes(this.job.state)) this.still();
    this.render();
  }

  cancel(): void {
    this.channel.cancel();
  }

  private onError(lines: string[]): void {
    this.trouble = this.words("refused", { what: lines.join(" · ") });
    this.render();
  }

  private async onConnection(open: boolean): Promise<void> {
    const before = this.online;
    this.online = open;
    if (open && !before) {
      this.trouble = "";
      if (this.pending) await this.send();
      this.notice = this.words("back");
      this.ask();
    } else if (open && this.started) this.ask();
    this.render();
  }

  // ---- edits ----------------------------------------------------------------------------------------------------

  private get keepKey(): string {
    return `megalopolis:${this.region.id}`;
  }

  private keptDraft(): Draft | null {
    try {
      const text = localStorage.getItem(this.keepKey);
      return text ? (JSON.parse(text) as Draft) : null;
    } catch {
      return null;
    }
  }

  /** What followed the line no longer does. */
  private still(): void {
    this.live = null;
    this.forming = null;
  }

  /** An edit is done: keep it here until the server has taken it. What followed another edit is over. */
  commit(draft: Draft): void {
    this.still();
    this.history.push(draft);
    void this.send();
  }

  /** A measure is changed; where it is a line, travel and clusters follow before the whole evaluation does. */
  private revise(m: Measure, now: Measure): void {
    const follow = now.stops !== null && !now.off;
    if (!follow) this.still();
    else this.edit(now, performance.now());
    this.history.push(changed(this.draft, m.id, () => now));
    void this.send();
  }

  private async send(): Promise<void> {
    const turn = ++this.sending;
    const draft = this.draft;
    this.pending = true;
    localStorage.setItem(this.keepKey, JSON.stringify(draft));
    this.redraw();
    try {
      const plan = await api.sendPlan(this.region.id, documentOf(draft));
      if (turn !== this.sending) return;
      this.plan = plan;
      this.history.settle(acknowledged(this.draft, plan));
      this.pending = false;
      this.trouble = "";
      localStorage.removeItem(this.keepKey);
      if (!this.years.includes(this.year) && this.year > Math.max(...this.years)) this.year = Math.max(...this.years);
      this.remember();
      this.ask();
      if (this.isochrones) void this.showMinutes(true);
    } catch (error) {
      if (turn !== this.sending) return;
      if (error instanceof api.Refused) {
        this.pending = false;
        localStorage.removeItem(this.keepKey);
        this.trouble = this.words("refused", { what: error.message });
        this.history.undo();
        this.still();
      } else {
        this.online = false;
        setTimeout(() => turn === this.sending && this.pending && void this.send(), 1500);
      }
    }
    this.redraw();
  }

  undo(): void {
    if (!this.history.undo()) return;
    this.still();
    void this.send();
  }

  redo(): void {
    if (!this.history.redo()) return;
    this.still();
    void this.send();
  }

  rename(name: string): void {
    if (name.trim() && name !== this.draft.name) this.commit({ ...this.draft, name: name.trim(), names: {} });
  }

  openMeasure(id: string | null): void {
    this.open = this.open === id ? null : id;
    this.reveal = true;
    const m = this.active;
    if (m?.stops && !m.off) this.prepare(m);
    this.redraw();
  }

  /** Let the server prepare what dragging needs, before the first move. */
  private prepare(m: Measure): void {
    this.edit(m, performance.now());
  }

  private edit(m: Measure, at: number): void {
    const known_ = this.plan?.measures.some((p) => p.id === m.id) ?? false;
    timings.sent++;
    timings.lastSeq = this.channel.edit(
      { region: this.region.id, plan: this.plan?.hash ?? null, year: this.year, measure: m.fields, replaces: known_ ? m.id : null, place: this.indicator === MINUTES ? this.place : null, clusters: true },
      at,
    );
  }

  private stopAt(lon: number, lat: number, city: City | null, m: { stops: Stop[] | null }, old: Stop | null): Stop {
    if (city) {
      const station = city.main_station ?? slug(`${city.name} (planned)`);
      return { station: city.main_station ? station : city.id, city: city.id, name: city.name, name_local: city.name_local, lon: city.lon, lat: city.lat, km: 0, new: false };
    }
    const nearest = this.region.cities.reduce((a, b) => (greatCircleKm(b, { lon, lat }) < greatCircleKm(a, { lon, lat }) ? b : a));
    const taken = new Set([...this.measures.flatMap((x) => x.stops ?? []), ...(m.stops ?? [])].filter((s) => s !== old).map((s) => s.name));
    let n = 1;
    while (taken.has(`${nearest.name} new stop ${n}`)) n++;
    const name = `${nearest.name} new stop ${n}`;
    return { station: slug(name), city: nearest.id, name, name_local: `${nearest.name_local}新站${n}`, lon, lat, km: 0, new: true };
  }

  private grab(stop: number, between: boolean): void {
    const m = this.draft.measures.find((x) => x.id === this.open);
    if (!m?.stops) return;
    let now = m;
    if (between) {
      const [a, b] = [m.stops[stop - 1], m.stops[stop]];
      const added = this.stopAt((a.lon + b.lon) / 2, (a.lat + b.lat) / 2, null, m, null);
      now = withStops(m, [...m.stops.slice(0, stop), added, ...m.stops.slice(stop)]);
    }
    this.dragging = { stop, before: now === m ? m : { ...now, cost: m.cost, fields: { ...now.fields, cost: m.fields.cost } }, now };
    if (between) this.dragging.before = now;
    this.edit(now, performance.now());
    this.redraw();
  }

  drag(stop: number, lon: number, lat: number, city: City | null, at: number): void {
    if (!this.dragging) return;
    const { before } = this.dragging;
    const stops = before.stops!;
    const moved = this.stopAt(lon, lat, city, before, stops[stop]);
    const twin = moved.new ? false : [stops[stop - 1], stops[stop + 1]].some((s) => s && s.station === moved.station);
    if (twin) return;
    this.dragging = { stop, before, now: withStops(before, stops.map((s, i) => (i === stop ? moved : s)), before) };
    this.edit(this.dragging.now, at);
    this.paint();
  }

  private drop(): void {
    if (!this.dragging) return;
    const { now, before } = this.dragging;
    this.dragging = null;
    if (now === before && this.draft.measures.some((m) => m === now)) return this.redraw();
    this.history.push(changed(this.draft, now.id, () => now));
    void this.send();
  }

  /** Whether the line is ahead of the whole evaluation, so that what follows it is shown. */
  private get ahead(): boolean {
    return this.dragging !== null || this.pending || this.view?.plan !== this.plan?.hash;
  }

  private onClusters(found: Formed, at: number): void {
    if (!this.ahead) return;
    this.forming = { found, age: (performance.now() - at) / 1000 };
    this.pane.setFormed(this.formedIn(this.mode)?.formed ?? []);
    this.pane.draw(() => timings.clusters.push(performance.now() - at));
    this.render();
  }

  private onFrame(frame: Live, at: number): void {
    if (!this.ahead) return;
    // The other pillar's columns are those of the frame before, for the milliseconds until its own come.
    this.live = { ...frame, columns: new Map([...(this.live?.columns ?? []), ...frame.columns]) };
    if (frame.of !== "travel") return this.render();
    this.paint(() => {
      timings.drawn++;
      timings.drawnSeq = frame.seq;
      timings.moves.push(performance.now() - at);
    });
    this.render();
  }

  moveStop(m: Measure, stop: number, dx: number, dy: number): void {
    const s = m.stops![stop];
    const moved = this.stopAt(s.lon + dx, s.lat + dy, null, m, s);
    const now = withStops(m, m.stops!.map((x, i) => (i === stop ? moved : x)));
    this.revise(m, now);
  }

  deleteStop(stop: number): void {
    const m = this.draft.measures.find((x) => x.id === this.open);
    if (!m?.stops || m.stops.length < 3) return;
    this.revise(m, withStops(m, m.stops.filter((_, i) => i !== stop)));
  }

  addStop(m: Measure, after: number, cityId: string): void {
    const city = this.cities.get(cityId);
    if (!city || !m.stops) return;
    const added = this.stopAt(city.lon, city.lat, city, m, null);
    this.revise(m, withStops(m, [...m.stops.slice(0, after + 1), added, ...m.stops.slice(after + 1)]));
  }

  setField(m: Measure, key: string, value: unknown): void {
    this.revise(m, { ...m, fields: { ...m.fields, [key]: value } });
  }

  toggle(m: Measure): void {
    this.commit(changed(this.draft, m.id, (x) => ({ ...x, off: !x.off })));
  }

  remove(m: Measure): void {
    if (this.open === m.id) this.open = null;
    this.commit({ ...this.draft, measures: this.draft.measures.filter((x) => x.id !== m.id) });
  }

  /** Let a delay or an overrun meet a measure, or no longer. */
  name(m: Measure, field: Naming, other: Measure, on: boolean): void {
    this.setField(m, field, naming(m, field, other, on));
  }

  /** Add a delay or an overrun of all that it can meet. */
  addSetback(kind: "delay" | "overrun"): void {
    const taken = new Set(this.draft.measures.map((m) => m.name));
    let n = 1;
    while (taken.has(this.words(`new_${kind}`, { n }))) n++;
    const late = newSetback(kind, this.words(`new_${kind}`, { n }), "lines");
    const draft = { ...this.draft, measures: [...this.draft.measures, late] };
    const lines = choices(draft, late, "lines").some((m) => typeof m.fields.opens === "number" && m.fields.opens > this.region.today);
    const met = lines ? late : newSetback(kind, late.name, "measures");
    this.open = met.id;
    this.reveal = true;
    this.commit({ ...draft, measures: [...this.draft.measures, met] });
  }

  startLine(): void {
    this.open = null;
    this.drawn = [];
    this.pane.drawing = true;
    this.notice = this.words("draw_hint");
    this.redraw();
  }

  private placeStop(lon: number, lat: number, city: City | null): void {
    if (!this.drawn) return;
    const stop = this.stopAt(lon, lat, city, { stops: this.drawn }, null);
    if (this.drawn.at(-1)?.station === stop.station) return;
    this.drawn = [...this.drawn, stop];
    this.paint();
  }

  private lineName(): string {
    const taken = new Set(this.draft.measures.map((m) => m.name));
    let n = 1;
    while (taken.has(this.words("new_line", { n }))) n++;
    return this.words("new_line", { n });
  }

  finishLine(): void {
    const stops = this.drawn;
    this.drawn = null;
    this.pane.drawing = false;
    this.notice = "";
    if (stops && stops.length > 1) {
      const line = newLine(this.lineName(), stops, Math.max(this.region.today, this.year));
      this.open = line.id;
      if (this.mode === "baseline") this.mode = "difference";
      const base = this.draft.name ? this.draft : { ...this.draft, name: this.words("plan"), years: [this.year] };
      this.edit(line, performance.now());
      this.history.push({ ...base, measures: [...base.measures, line] });
      void this.send();
    } else this.redraw();
  }

  cancelLine(): void {
    this.drawn = null;
    this.pane.drawing = false;
    this.notice = "";
    this.redraw();
  }

  // ---- comparison -----------------------------------------------------------------------------------------------

  async compare(name: string | null): Promise<void> {
    this.otherPane?.remove();
    this.otherPane = null;
    this.other = null;
    if (name) {
      try {
        const hash = /[0-9a-f]{64}/.exec(name)?.[0] ?? name;
        const plan = await api.plan(hash);
        if (plan.region !== this.region.id) throw new Error(plan.region);
        this.other = { name: hash, plan, view: null };
      } catch (error) {
        this.trouble = this.words("refused", { what: (error as Error).message });
      }
    }
    document.body.classList.toggle("comparing", this.other !== null);
    if (this.other) {
      this.otherPane = this.newPane(this.elements.other);
      this.otherPane.follow(this.pane);
      if (this.land) this.otherPane.setLand(this.land);
      this.otherPane.setLines(this.lines);
      this.otherPane.setPlan(this.planLines(draftOf(this.other.plan).measures));
      this.setLayers();
      setTimeout(() => this.pane.fit(this.scope, false), 50);
      void this.evaluateOther();
    }
    this.redraw();
  }

  private async evaluateOther(): Promise<void> {
    const other = this.other;
    if (!other) return;
    let job = await this.asked(api.evaluate(this.region.id, other.plan.hash, this.year));
    while (job && ["queued", "running"].includes(job.state)) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      job = await this.asked(api.evaluation(job.id));
      if (this.other !== other) return;
    }
    const view = job?.state === "done" ? await this.asked(api.view(job.id)) : null;
    if (!view || this.other !== other) return;
    this.other = { ...other, view };
    this.redraw();
  }
}

// The city at hand: before and after with ranges, and why. With none, the biggest winners and losers.
import * as api from "./api";
import { type App, MINUTES } from "./app";
import { comparisonTable } from "./bars";
import { fill, h } from "./dom";
import { known, number } from "./number";
import type { Match } from "./types";

const PILLARS = ["travel", "clusters", "economy", "services", "environment", "carbon", "settlement"];

export function rightPanel(app: App): HTMLElement {
  return h("div", { class: "scroll", id: "right-scroll" }, app.place ? place(app, app.place) : app.other ? comparisonTable(app) : overview(app));
}

function signed(app: App, id: string, place: string): string {
  const unit = app.changeUnit(id);
  return number(app.change(id, place), null, null, unit, app.language, true).text;
}

function overview(app: App): (HTMLElement | null)[] {
  const w = app.words;
  const id = app.indicator === MINUTES ? "accessibility" : app.indicator;
  const sign = app.better(id) < 0 ? -1 : 1;
  const ranked = app.scope
    .map((c) => ({ city: c, change: app.change(id, c.id) }))
    .filter((r): r is { city: typeof r.city; change: number } => known(r.change))
    .sort((a, b) => sign * (b.change - a.change));
  const some = ranked.some((r) => Math.abs(r.change) > 1e-9);
  const stale = app.stale(id) ? " stale" : "";
  const list = (rows: typeof ranked): HTMLElement =>
    h(
      "ol",
      { class: `ranking${stale}` },
      rows.map((r) =>
        h("li", {}, h("button", { class: "link", onclick: () => app.choose(r.city.id) }, app.nameOf(r.city.id)), h("span", { class: `number ${sign * r.change < 0 ? "loss" : "gain"}` }, signed(app, id, r.city.id))),
      ),
    );
  const area = app.focus ? `cluster:${app.focus}` : "region";
  return [
    h("h2", {}, app.nameOf(area)),
    some ? h("h3", {}, `${w("winners")}: ${app.label(id)}`) : null,
    some ? list(ranked.slice(0, 5)) : app.view?.plan ? h("p", { class: "muted" }, w("winners_none")) : null,
    some && ranked.length > 5 ? h("h3", {}, w("losers")) : null,
    some && ranked.length > 5 ? list(ranked.slice(-Math.min(5, ranked.length - 5)).reverse()) : null,
    h(
      "label",
      { class: "small" },
      w("choose_list"),
      " ",
      h(
        "select",
        { id: "choose-city", onchange: (event: Event) => app.choose((event.target as HTMLSelectElement).value || null) },
        h("option", { value: "" }, "–"),
        [...app.scope].sort((a, b) => app.nameOf(a.id).localeCompare(app.nameOf(b.id), app.language)).map((c) => h("option", { value: c.id }, app.nameOf(c.id))),
      ),
    ),
    app.focus ? formedHere(app, app.focus) : null,
    h("h3", {}, w("together")),
    totals(app, area),
  ];
}

/** The planned cluster against the branch that travel forms, before and after; it follows a line that is dragged. */
function formedHere(app: App, cluster: string): HTMLElement | null {
  const w = app.words;
  const [before, after] = [app.match(cluster, "baseline"), app.match(cluster, "plan")];
  if (!before || !after) return null;
  const all = app.region.clusters.find((c) => c.id === cluster)!.cities.filter((id) => !app.cities.get(id)?.part).length;
  const planned = app.view?.plan !== null;
  const row = (label: string, of: (m: Match) => string): HTMLElement =>
    h("tr", {}, h("th", { scope: "row" }, label), h("td", { class: "number" }, of(before)), planned ? h("td", { class: "number" }, of(after)) : null);
  const cities = (ids: string[]): string => {
    const names = ids.slice(0, 6).map((id) => app.nameOf(id)).join(app.language === "zh" ? "、" : ", ");
    return ids.length > 6 ? w("formed_more", { cities: names, n: ids.length - 6 }) : names;
  };
  return h(
    "div",
    { id: "formed-here", class: app.staleClusters ? "stale" : "" },
    h("h3", {}, w("formed_here")),
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, h("th", {}, ""), h("th", { class: "number" }, w("before")), planned ? h("th", { class: "number" }, w("after")) : null)),
      h(
        "tbody",
        {},
        row(w("formed_match"), (m) => m.jaccard.toFixed(2)),
        row(w("formed_with"), (m) => w("of_all", { n: all - m.missing.length, all })),
      ),
    ),
    after.missing.length ? h("p", { class: "small muted" }, w("formed_missing", { cities: cities(after.missing) })) : null,
    after.extra.length ? h("p", { class: "small muted" }, w("formed_extra", { cities: cities(after.extra) })) : null,
  );
}

/** Every number of a place, by pillar, before and after. */
function totals(app: App, at: string): HTMLElement {
  const w = app.words;
  const shown = app.region.indicators.filter((i) => known(app.values(i.id, at, "baseline")[0]) || known(app.values(i.id, at, "plan")[0]));
  const groups = [...new Set([...PILLARS, ...shown.map((i) => i.pillar)])].map((p) => ({ pillar: p, rows: shown.filter((i) => i.pillar === p) })).filter((g) => g.rows.length);
  const planned = app.view?.plan !== null;
  return h(
    "table",
    { class: "ledger" },
    h("thead", {}, h("tr", {}, h("th", {}, ""), h("th", { class: "number" }, w("before")), planned ? h("th", { class: "number" }, w("after")) : null, planned ? h("th", { class: "number" }, w("change")) : null)),
    groups.map((g) =>
      h(
        "tbody",
        {},
        h("tr", { class: "group" }, h("th", { colspan: planned ? 4 : 2, scope: "rowgroup" }, w(`pillar_${g.pillar}`))),
        g.rows.map((i) => {
          const [before] = app.values(i.id, at, "baseline");
          const [after, low, high] = app.values(i.id, at, "plan");
          const gap = app.values(i.id, at, "difference");
          const b = app.print(i.id, before);
          const a = app.print(i.id, after, low, high);
          const d = app.print(i.id, ...gap, true);
          const status = app.column(i.id)?.status ?? [];
          return h(
            "tr",
            { class: app.stale(i.id, at) ? "stale" : "", "data-indicator": i.id },
            h(
              "th",
              { scope: "row" },
              h("button", { class: "link", onclick: () => app.setIndicator(i.id) }, app.headOf(i.id)),
              status.includes("assumed") ? h("span", { class: "status assumed" }, w("assumed")) : null,
              h("button", { class: "why", "aria-label": w("why_of", { indicator: app.label(i.id) }), onclick: () => void showWhy(app, i.id, at) }, w("why")),
            ),
            h("td", { class: "number", "data-case": "baseline", "data-value": before }, b.text),
            planned ? h("td", { class: "number", "data-case": "plan", "data-value": after }, a.text, a.low ? h("small", {}, w("range_of", { low: a.low, high: a.high })) : null) : null,
            planned ? h("td", { class: "number" }, d.text, d.low ? h("small", {}, w("range_of", { low: d.low, high: d.high })) : null) : null,
          );
        }),
      ),
    ),
  );
}

function place(app: App, id: string): (HTMLElement | null)[] {
  const w = app.words;
  const city = app.cities.get(id)!;
  const cluster = app.region.clusters.find((c) => c.cities.includes(id));
  return [
    h("div", { class: "row head" }, h("h2", {}, app.nameOf(id)), h("button", { class: "quiet", id: "close-city", "aria-label": w("close"), onclick: () => app.choose(null) }, "×")),
    h("p", { class: "muted small" }, [cluster ? app.nameOf(`cluster:${cluster.id}`) : null, city.population === null ? null : `${w("population")}: ${number(city.population, null, null, "persons", app.language).text}`].filter(Boolean).join(" · ")),
    h(
      "button",
      { id: "isochrones", "aria-pressed": String(app.indicator === MINUTES), onclick: () => void app.showMinutes(app.indicator !== MINUTES) },
      app.indicator === MINUTES ? w("isochrones_off", { indicator: app.label(app.before.indicator) }) : w("isochrones"),
    ),
    totals(app, id),
    h("div", { id: "why" }),
  ];
}

async function showWhy(app: App, indicator: string, at: string): Promise<void> {
  const w = app.words;
  const dialog = document.getElementById("dialog") as HTMLDialogElement;
  const entry = app.indicators.get(indicator)!;
  fill(dialog, h("p", {}, "…"));
  dialog.showModal();
  const answer = await app.asked(Promise.all([api.why(app.region.id, indicator), app.cities.has(at) ? moved(app, at) : []]));
  if (!answer) return dialog.close();
  const [found, moves] = answer;
  fill(
    dialog,
    h("div", { class: "row head" }, h("h2", {}, `${app.nameOf(at)}: ${app.label(indicator)}`), h("button", { class: "quiet", "aria-label": w("close"), onclick: () => dialog.close() }, "×")),
    h("h3", {}, w("formula")),
    h("p", {}, app.language === "zh" && entry.description_zh ? entry.description_zh : entry.description),
    moves.length ? h("h3", {}, w("nearest")) : null,
    moves.length
      ? h(
          "table",
          {},
          h("thead", {}, h("tr", {}, h("th", {}, w("city")), h("th", { class: "number" }, w("before")), h("th", { class: "number" }, w("after")))),
          h("tbody", {}, moves.map((m) => h("tr", {}, h("th", { scope: "row" }, app.nameOf(m.id)), h("td", { class: "number" }, number(m.before, null, null, "min", app.language).text), h("td", { class: "number" }, number(m.after, null, null, "min", app.language).text)))),
        )
      : null,
    h("h3", {}, w("inputs")),
    h(
      "table",
      {},
      h(
        "tbody",
        {},
        found.parameters.map((p) =>
          h("tr", {}, h("th", { scope: "row" }, p.id), h("td", { class: "number" }, `${p.value.toLocaleString("en-US", { maximumSignificantDigits: 6 })} ${p.unit}`), h("td", { class: "small" }, p.low < p.high ? w("range_of", { low: p.low.toLocaleString("en-US"), high: p.high.toLocaleString("en-US") }) : ""), h("td", {}, h("span", { class: `status ${p.status}` }, w(p.status))), h("td", { class: "small muted" }, p.source)),
        ),
      ),
    ),
    h("h3", {}, w("sources")),
    h("table", {}, h("tbody", {}, found.sources.map((s) => h("tr", {}, h("th", { scope: "row" }, `${s.table}.${s.column}`), h("td", {}, h("span", { class: `status ${s.status}` }, w(s.status))), h("td", { class: "small muted" }, [s.source, s.publisher, s.year].filter(Boolean).join(", ")))))),
  );
}

/** Cities whose door-to-door time from here falls or rises most, weighted by their residents. */
async function moved(app: App, at: string): Promise<{ id: string; before: number; after: number }[]> {
  const found = await api.minutes(app.region.id, at, app.year, app.plan?.hash ?? null);
  if (!found.plan) return [];
  return found.cities
    .map((id, i) => ({ id, before: found.baseline[i] ?? NaN, after: found.plan![i] ?? NaN }))
    .filter((m) => Math.abs(m.before - m.after) >= 1)
    .sort((a, b) => weight(app, b) - weight(app, a))
    .slice(0, 6);
}

const weight = (app: App, m: { id: string; before: number; after: number }): number => Math.abs(Math.exp(-m.after / 120) - Math.exp(-m.before / 120)) * (app.cities.get(m.id)?.population ?? 0);

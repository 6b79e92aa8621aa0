// The bar at the top, the legend, the bar at the bottom, and the table that stands for the map.
import * as api from "./api";
import { type App, MINUTES } from "./app";
import { download, fill, h } from "./dom";
import { UNCHANGED } from "./colour";
import { edge, known, number } from "./number";
import type { Language, Mode } from "./types";

export function topBar(app: App, setLanguage: (l: Language) => void): HTMLElement[] {
  const w = app.words;
  const modes: Mode[] = ["baseline", "plan", "difference"];
  const first = Math.min(app.region.today, ...app.years);
  const last = Math.max(app.region.today, ...app.years);
  const shown = app.indicatorsOnMap;
  return [
    h(
      "div",
      { class: "brand" },
      h(
        "label",
        { class: "eyebrow" },
        "megalopolis · ",
        h(
          "select",
          {
            id: "region",
            "aria-label": w("region"),
            onchange: (e: Event) => {
              location.hash = String(new URLSearchParams({ region: (e.target as HTMLSelectElement).value, lang: app.language }));
              location.reload();
            },
          },
          app.entries.map((r) => h("option", { value: r.id, selected: r.id === app.region.id }, app.pick(r.name, r.names.zh))),
        ),
      ),
      app.plan || app.draft.measures.length
        ? h("input", { id: "plan-name", class: "plan-name", "aria-label": w("name_of_plan"), value: app.language === "zh" ? (app.draft.names.zh ?? app.draft.name) : app.draft.name, maxlength: 200, onchange: (e: Event) => app.rename((e.target as HTMLInputElement).value) })
        : h("h1", {}, w("no_plan")),
    ),
    h(
      "div",
      { class: "segments", role: "radiogroup", "aria-label": w("shown") },
      modes.map((m) => h("label", { class: app.mode === m ? "on" : "" }, h("input", { type: "radio", name: "mode", id: `mode-${m}`, value: m, checked: app.mode === m, onchange: () => app.setMode(m) }), w(m))),
    ),
    h(
      "label",
      { class: "field" },
      h("span", {}, w("indicator")),
      h("input", {
        id: "indicator",
        list: "indicators",
        placeholder: w("search"),
        value: app.label(app.indicator),
        onfocus: (e: Event) => ((e.target as HTMLInputElement).value = ""),
        onblur: (e: Event) => ((e.target as HTMLInputElement).value = app.label(app.indicator)),
        onchange: (e: Event) => {
          const box = e.target as HTMLInputElement;
          const found = shown.find((i) => app.label(i.id).toLowerCase() === box.value.toLowerCase()) ?? shown.find((i) => app.label(i.id).toLowerCase().includes(box.value.toLowerCase()));
          if (box.value && found) app.setIndicator(found.id);
        },
      }),
      h("datalist", { id: "indicators" }, shown.map((i) => h("option", { value: app.label(i.id) }, w(`pillar_${i.pillar}`)))),
    ),
    h(
      "label",
      { class: "field" },
      h("span", {}, w("focus")),
      h(
        "select",
        { id: "focus", onchange: (e: Event) => app.setFocus((e.target as HTMLSelectElement).value) },
        h("option", { value: "", selected: app.focus === "" }, w("whole")),
        app.region.clusters.map((c) => h("option", { value: c.id, selected: app.focus === c.id }, app.pick(c.name, c.name_local))),
      ),
    ),
    h(
      "label",
      { class: "field year" },
      h("span", {}, w("year"), " ", h("output", { id: "year-out" }, String(app.year))),
      h("input", {
        type: "range",
        id: "year",
        min: first,
        max: last,
        step: 1,
        value: app.year,
        list: "years",
        oninput: (e: Event) => (document.getElementById("year-out")!.textContent = (e.target as HTMLInputElement).value),
        onchange: (e: Event) => app.setYear(Number((e.target as HTMLInputElement).value)),
      }),
      h("datalist", { id: "years" }, app.years.map((y) => h("option", { value: y }))),
    ),
    h(
      "div",
      { class: "tools" },
      h("button", { id: "undo", title: `${w("undo")} (Ctrl+Z)`, "aria-label": w("undo"), disabled: !app.history.canUndo, onclick: () => app.undo() }, "↶"),
      h("button", { id: "redo", title: `${w("redo")} (Ctrl+Y)`, "aria-label": w("redo"), disabled: !app.history.canRedo, onclick: () => app.redo() }, "↷"),
      comparison(app),
      exports(app),
      h("button", { id: "share", onclick: () => void share(app) }, w("share")),
      h("button", { id: "language", lang: app.language === "en" ? "zh" : "en", onclick: () => setLanguage(app.language === "en" ? "zh" : "en") }, w("language")),
    ),
  ];
}

function menu(id: string, label: string, children: (HTMLElement | null)[]): HTMLElement {
  return h("details", { class: "menu", id }, h("summary", {}, label), h("div", { class: "sheet" }, children));
}

function comparison(app: App): HTMLElement {
  const w = app.words;
  if (app.other) return h("button", { id: "compare", onclick: () => void app.compare(null) }, w("compare_stop"));
  const names = [...app.region.plans];
  return menu("compare", w("compare"), [
    h("p", { class: "small muted" }, w("compare_with")),
    ...names.map((name) => h("button", { onclick: () => void app.compare(name) }, name)),
    h("input", { id: "compare-hash", placeholder: w("compare_paste"), "aria-label": w("compare_paste"), onchange: (e: Event) => void app.compare((e.target as HTMLInputElement).value.trim()) }),
  ]);
}

function exports(app: App): HTMLElement {
  const w = app.words;
  const ready = app.settled;
  const files: [string, string][] = [
    ["report.xlsx", w("export_excel")],
    ["region.gpkg", w("export_gpkg")],
    [app.language === "zh" ? "report.zh.html" : "report.html", w("export_report")],
    ["ledger.csv", w("export_csv")],
    ["ledger.parquet", w("export_parquet")],
  ];
  return menu("export", w("export"), [
    ...files.map(([name, label]) =>
      ready
        ? h("a", { href: `api/evaluations/${app.job!.id}/files/${name}`, download: name.endsWith("html") ? null : name, target: name.endsWith("html") ? "_blank" : null, rel: "noopener", "data-file": name }, label)
        : h("a", { "aria-disabled": "true", class: "muted" }, label),
    ),
    app.plan ? h("a", { href: `api/plans/${app.plan.hash}?form=yaml`, download: "plan.yaml" }, w("export_yaml")) : null,
    h(
      "label",
      { class: "file" },
      w("export_open"),
      h("input", {
        type: "file",
        accept: ".yaml,.yml",
        onchange: (e: Event) => {
          const file = (e.target as HTMLInputElement).files?.[0];
          if (file) void file.text().then((text) => app.openPlan(() => api.sendYaml(app.region.id, text)));
        },
      }),
    ),
    h("button", { onclick: () => window.print() }, w("print")),
  ]);
}

async function share(app: App): Promise<void> {
  app.remember();
  try {
    await navigator.clipboard.writeText(location.href);
    app.notice = app.words("shared");
  } catch {
    app.notice = app.words("share_copy", { url: location.href });
  }
  app.redraw();
}

/** What follows the line, and how far behind it the outlines of clusters are. */
function following(app: App): string | null {
  if (!app.live) return null;
  return app.forming ? app.words("preview_age", { age: app.forming.age.toFixed(1) }) : app.words("preview");
}

export function legend(app: App): HTMLElement[] {
  const w = app.words;
  const { edges, colours } = app.classes;
  const change = app.mode === "difference";
  const unit = change ? app.changeUnit(app.indicator) : app.unit(app.indicator);
  const say = (x: number): string => edge(x, unit, app.language, change);
  const text = (i: number): string => {
    if (change && colours[i] === UNCHANGED && edges.length) return w("unchanged");
    if (!edges.length) return change ? w("unchanged") : "–";
    if (i === 0) return w("less", { value: say(edges[0]) });
    if (i === edges.length) return w("more", { value: say(edges[i - 1]) });
    return w("between", { low: say(edges[i - 1]), high: say(edges[i]) });
  };
  const order = change ? [...colours.keys()].reverse() : [...colours.keys()];
  const toggle = (key: keyof App["layers"], label: string, mark: string): HTMLElement =>
    h("label", {}, h("input", { type: "checkbox", checked: app.layers[key], onchange: () => { app.layers[key] = !app.layers[key]; app.setLayers(); } }), h("i", { class: `mark ${mark}` }), label);
  return [
    h("h2", {}, app.headOf(app.indicator)),
    h("p", { class: "muted small" }, [w(app.mode), app.year, following(app)].filter(Boolean).join(" · ")),
    h("ul", {}, order.map((i) => h("li", {}, h("i", { class: "swatch", style: `background:${colours[i]}` }), text(i)))),
    h(
      "div",
      { class: "layers" },
      toggle("planned", w("planned"), "planned"),
      toggle("formed", w("formed"), "formed"),
      toggle("lines", w("line_old"), "rail"),
      app.region.rivers.length ? toggle("rivers", w("river"), "river") : null,
      h("span", {}, h("i", { class: "mark built" }), w("line_plan")),
    ),
    h("p", { class: "muted tiny" }, w("borders")),
  ].filter(Boolean) as HTMLElement[];
}

export function bottomBar(app: App): (HTMLElement | null)[] {
  const w = app.words;
  const running = app.job && ["queued", "running"].includes(app.job.state);
  const cost = app.print("investment", app.values("investment", "region", "difference")[0]).text;
  const trust = app.view?.trust?.[app.language];
  const warnings = app.view?.warnings[app.language] ?? [];
  const settled = app.region.indicators.filter((i) => i.pillar === "settlement" && known(app.values(i.id, app.place ?? "region", "plan")[0])).slice(0, 2);
  const message = !app.online ? w("offline") : app.trouble || app.notice;
  return [
    h("dl", { class: "facts" }, h("div", {}, h("dt", {}, w("total_cost")), h("dd", { class: app.stale("investment", "region") ? "stale" : "" }, cost)), ...settled.map((i) => h("div", {}, h("dt", {}, app.headOf(i.id)), h("dd", {}, app.print(i.id, app.values(i.id, app.place ?? "region", "plan")[0]).text)))),
    h(
      "div",
      { class: `status-line${app.trouble || !app.online ? " trouble" : ""}`, role: "status", "aria-live": "polite", id: "status" },
      running && app.online
        ? [
            h("span", {}, app.trouble || `${w("evaluating")}: ${app.job!.stage || "…"}`),
            h("progress", { max: app.job!.total || 1, value: app.job!.total ? app.job!.done : null, "aria-label": w("evaluating") }),
            h("button", { id: "cancel", onclick: () => app.cancel() }, w("cancel")),
          ]
        : message || (app.stale(app.indicator) ? w("recalculating") : ""),
      app.job?.state === "cancelled" && app.online ? h("button", { id: "again", onclick: () => app.ask() }, w("evaluate")) : null,
    ),
    h("button", { id: "table", onclick: () => showTable(app) }, w("table")),
    h(
      "details",
      { class: "menu up", id: "trust" },
      h("summary", {}, h("b", {}, w("trust")), " ", trust ? `${trust[0].text} · ${w("assumed")} ${trust[1].text}` : w("trust_wait")),
      h(
        "div",
        { class: "sheet wide" },
        trust?.map((t) => h("div", { class: "trust" }, h("b", {}, t.head), h("p", {}, t.text), h("p", { class: "muted small" }, t.note))) ?? null,
        warnings.length ? h("details", {}, h("summary", {}, w("warnings", { n: warnings.length })), h("ul", { class: "small" }, warnings.map((x) => h("li", {}, x)))) : null,
      ),
    ),
  ];
}

let order: { key: number; down: boolean } = { key: 3, down: true };

/** The map as a table: every city of the area, sortable, to be saved. */
export function showTable(app: App): void {
  const w = app.words;
  const dialog = document.getElementById("dialog") as HTMLDialogElement;
  const id = app.indicator;
  const rows = app.scope.map((c) => ({
    id: c.id,
    name: app.nameOf(c.id),
    cells: [c.population, app.values(id, c.id, "baseline")[0], app.values(id, c.id, "plan")[0], app.change(id, c.id)],
    range: app.values(id, c.id, "difference"),
  }));
  const key = order.key;
  rows.sort((a, b) => (order.down ? -1 : 1) * (key < 0 ? a.name.localeCompare(b.name, app.language) : (a.cells[key] ?? -Infinity) - (b.cells[key] ?? -Infinity)));
  const changeUnit = app.changeUnit(id);
  const heads = [w("population"), w("before"), w("after"), changeUnit === "%" ? w("change_percent") : w("change")];
  const head = (label: string, k: number): HTMLElement =>
    h(
      "th",
      { class: k < 0 ? "" : "number", "aria-sort": order.key === k ? (order.down ? "descending" : "ascending") : "none", scope: "col" },
      h("button", { class: "link", id: `sort-${k}`, onclick: () => { order = { key: k, down: order.key === k ? !order.down : k >= 0 }; showTable(app); } }, label),
    );
  const csv = (): void => {
    const text = [["id", w("city"), ...heads], ...rows.map((r) => [r.id, r.name, ...r.cells.map((c) => c ?? "")])].map((r) => r.map((c) => (/[",\n]|^[=+@-](?!\d)/.test(String(c)) ? `"${String(c).replaceAll('"', '""').replace(/^([=+@-])/, "'$1")}"` : c)).join(",")).join("\r\n");
    download(`${app.region.id}-${id}-${app.year}.csv`, `\ufeff${text}\r\n`, "text/csv");
  };
  fill(
    dialog,
    h("div", { class: "row head" }, h("h2", {}, w("table_title", { indicator: app.headOf(id), year: app.year })), h("button", { onclick: csv }, w("table_csv")), h("button", { class: "quiet", "aria-label": w("close"), onclick: () => dialog.close() }, "×")),
    h(
      "table",
      { id: "twin" },
      h("thead", {}, h("tr", {}, head(w("city"), -1), heads.map((label, k) => head(label, k)))),
      h(
        "tbody",
        {},
        rows.map((r) =>
          h(
            "tr",
            { "data-city": r.id },
            h("th", { scope: "row" }, h("button", { class: "link", onclick: () => { dialog.close(); app.choose(r.id); } }, r.name)),
            h("td", { class: "number" }, number(r.cells[0], null, null, "persons", app.language).text),
            h("td", { class: "number" }, app.print(id === MINUTES ? MINUTES : id, r.cells[1]).text),
            h("td", { class: "number" }, app.print(id, r.cells[2]).text),
            h("td", { class: "number" }, number(r.cells[3], null, null, changeUnit, app.language, true).text),
          ),
        ),
      ),
    ),
  );
  if (!dialog.open) dialog.showModal();
}

/** Two plans side by side: the area and the region in numbers. */
export function comparisonTable(app: App): HTMLElement | null {
  const other = app.other;
  if (!other) return null;
  const w = app.words;
  const area = app.focus ? `cluster:${app.focus}` : "region";
  const ids = app.region.indicators.map((i) => i.id).filter((i) => known(app.values(i, area, "plan")[0]));
  return h(
    "div",
    { id: "versus" },
    h("h2", {}, `${app.nameOf(area)}, ${app.year}`),
    h(
      "table",
      { class: "ledger" },
      h("thead", {}, h("tr", {}, h("th", {}, ""), h("th", { class: "number" }, w("baseline")), h("th", { class: "number" }, app.draft.name), h("th", { class: "number" }, app.pick(other.plan.name, other.plan.names.zh)))),
      h(
        "tbody",
        {},
        ids.map((i) =>
          h("tr", {}, h("th", { scope: "row" }, app.headOf(i)), h("td", { class: "number" }, app.print(i, app.values(i, area, "baseline")[0]).text), h("td", { class: "number" }, app.print(i, ...app.values(i, area, "plan")).text), h("td", { class: "number" }, other.view ? app.print(i, ...app.values(i, area, "plan", other.view)).text : "…")),
        ),
      ),
    ),
  );
}


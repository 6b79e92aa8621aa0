// The measures as cards in their opening order, and the editor of the one at hand.
import type { App } from "./app";
import { called, choices, type Measure, type Naming } from "./draft";
import { h } from "./dom";
import { number } from "./number";

/** Fields that are numbers can be edited, of whatever kind the measure is. */
const HIDDEN = new Set(["kind", "name", "name_local", "status", "source", "note", "stops", "corridor"]);

export function leftPanel(app: App): HTMLElement {
  const w = app.words;
  const inside = new Set(app.scope.map((c) => c.id));
  const touches = (m: Measure): boolean => (m.stops ? m.stops.some((s) => s.city !== null && inside.has(s.city)) : !m.at);
  const opening = (m: Measure): number => (typeof m.fields.opens === "number" ? m.fields.opens : 9999);
  const sorted = [...app.measures].sort((a, b) => opening(a) - opening(b));
  const here = app.focus ? sorted.filter((m) => touches(m) || m.id === app.open) : sorted;
  const elsewhere = sorted.filter((m) => !here.includes(m));
  return h(
    "div",
    { class: "scroll", id: "left-scroll" },
    h(
      "div",
      { class: "row head" },
      h("h2", {}, w("measures")),
      h("button", { id: "draw", class: "primary", onclick: () => (app.drawn ? app.finishLine() : app.startLine()), "aria-pressed": String(app.drawn !== null) }, w("draw")),
    ),
    app.measures.length
      ? h("div", { class: "row" }, (["delay", "overrun"] as const).map((kind) => h("button", { class: "quiet small", id: `add-${kind}`, onclick: () => app.addSetback(kind) }, w(`add_${kind}`))))
      : null,
    app.focus && here.length ? h("p", { class: "muted small" }, w("here", { name: app.nameOf(`cluster:${app.focus}`), n: here.length })) : null,
    h("ul", { class: "cards" }, here.map((m) => card(app, m))),
    elsewhere.length
      ? h("details", { id: "elsewhere" }, h("summary", {}, w("elsewhere", { n: elsewhere.length })), h("ul", { class: "cards" }, elsewhere.map((m) => card(app, m))))
      : null,
  );
}

function card(app: App, m: Measure): HTMLElement {
  const w = app.words;
  const open = app.open === m.id;
  const name = app.measureName(m);
  const year = m.fields.opens;
  const cost = m.cost === null ? null : number(m.cost, null, null, app.region.currency, app.language).text;
  return h(
    "li",
    { class: `card${open ? " open" : ""}${m.off ? " off" : ""}`, "data-measure": m.id },
    h(
      "div",
      { class: "row" },
      h("input", { type: "checkbox", role: "switch", id: `on-${m.id}`, checked: !m.off, "aria-label": `${w("in_force")}: ${name}`, onchange: () => app.toggle(m) }),
      h("button", { class: "title", id: `open-${m.id}`, "aria-expanded": String(open), onclick: () => app.openMeasure(m.id) }, name),
    ),
    h(
      "p",
      { class: "muted small" },
      [w(`kind_${m.kind}`), typeof year === "number" ? w("opens", { year }) : null, cost].filter(Boolean).join(" · "),
      cost ? h("span", { class: `status ${m.costStatus}` }, w(m.costStatus)) : null,
    ),
    open ? editor(app, m) : null,
  );
}

function editor(app: App, m: Measure): HTMLElement {
  const w = app.words;
  const shown = { ...(m.kind === "rail_line" ? { operating_kmh: undefined, cost: undefined } : {}), ...m.fields };
  const fields = Object.entries(shown).filter(([key, value]) => !HIDDEN.has(key) && (typeof value === "number" || value === undefined));
  return h(
    "div",
    { class: "editor" },
    h(
      "div",
      { class: "fields" },
      fields.map(([key, value]) =>
        h(
          "label",
          {},
          h("span", {}, w(`field_${key}`)),
          h("input", {
            type: "number",
            id: `field-${m.id}-${key}`,
            step: "any",
            value: typeof value === "number" ? value : null,
            onchange: (event: Event) => {
              const text = (event.target as HTMLInputElement).value;
              const asked = text === "" ? undefined : Number(text);
              if (asked !== value && (asked === undefined || Number.isFinite(asked))) app.setField(m, key, asked);
            },
          }),
        ),
      ),
    ),
    m.stops ? stops(app, m) : null,
    m.kind === "delay" || m.kind === "overrun" ? [met(app, m, "lines"), met(app, m, "measures")] : null,
    m.source ? h("p", { class: "small muted source" }, h("b", {}, `${w("source")}: `), m.source) : null,
    h("button", { class: "quiet", id: `remove-${m.id}`, onclick: () => app.remove(m) }, w("remove")),
  );
}

/** What a delay or an overrun meets: all that it can, or those that are picked. */
function met(app: App, m: Measure, field: Naming): HTMLElement {
  const w = app.words;
  const named = m.fields[field];
  const all = named === "all";
  const found = choices(app.draft, m, field);
  const names = Array.isArray(named) ? (named as string[]) : [];
  const elsewhere = names.filter((name) => !found.some((c) => called(c, name))); // lines of the region itself
  const box = (id: string, label: string, checked: boolean, off: boolean, onchange: (on: boolean) => void): HTMLElement =>
    h("label", { class: "pick" }, h("input", { type: "checkbox", id: `${field}-${m.id}-${id}`, checked, disabled: off, onchange: (e: Event) => onchange((e.target as HTMLInputElement).checked) }), label);
  return h(
    "fieldset",
    { class: "picks" },
    h("legend", {}, w(`${m.kind}_${field}`)),
    found.length || all
      ? box("all", w(`all_${field}`, { year: app.region.today }), all, false, (on) => app.setField(m, field, on ? "all" : undefined))
      : h("p", { class: "small muted" }, w("none_before")),
    found.map((c) => box(c.id, app.measureName(c), all || names.some((name) => called(c, name)), all, (on) => app.name(m, field, c, on))),
    elsewhere.map((name) => box(name, name, true, all, () => app.setField(m, field, names.length > 1 ? names.filter((n) => n !== name) : undefined))),
  );
}

const ARROWS: Record<string, [number, number]> = { ArrowLeft: [-0.05, 0], ArrowRight: [0.05, 0], ArrowUp: [0, 0.05], ArrowDown: [0, -0.05] };

function stops(app: App, m: Measure): HTMLElement {
  const w = app.words;
  const cities = [...app.region.cities].sort((a, b) => app.nameOf(a.id).localeCompare(app.nameOf(b.id), app.language));
  return h(
    "div",
    {},
    h("h3", {}, w("stops")),
    h(
      "ol",
      { class: "stops" },
      m.stops!.map((s, i) => {
        const name = app.pick(s.name, s.name_local);
        return h(
          "li",
          {},
          h(
            "button",
            {
              class: "grip",
              id: `stop-${m.id}-${i}`,
              title: w("stop_move"),
              "aria-label": `${name}: ${w("stop_move")}`,
              onkeydown: (event: KeyboardEvent) => {
                const by = ARROWS[event.key];
                if (!by) {
                  if (event.key === "Delete") app.deleteStop(i);
                  return;
                }
                event.preventDefault();
                app.moveStop(m, i, by[0], by[1]);
              },
            },
            "✥",
          ),
          h("span", { class: "name" }, name, h("small", {}, ` ${number(s.km, null, null, "km", app.language).text}`)),
          h("button", { class: "quiet", disabled: m.stops!.length < 3, "aria-label": w("stop_remove", { name }), title: w("stop_remove", { name }), onclick: () => app.deleteStop(i) }, "×"),
        );
      }),
    ),
    h(
      "div",
      { class: "row" },
      h("label", { class: "small" }, w("stop_city"), " ", h("select", { id: `add-city-${m.id}` }, cities.map((c) => h("option", { value: c.id }, app.nameOf(c.id))))),
      h(
        "button",
        {
          onclick: () => {
            const select = document.getElementById(`add-city-${m.id}`) as HTMLSelectElement;
            app.addStop(m, nearestLeg(app, m, select.value), select.value);
          },
        },
        w("add"),
      ),
    ),
  );
}

/** Number of the stop after which a city lengthens the line least. */
function nearestLeg(app: App, m: Measure, id: string): number {
  const city = app.cities.get(id)!;
  const far = (a: { lon: number; lat: number }, b: { lon: number; lat: number }): number => Math.hypot((a.lon - b.lon) * Math.cos((a.lat * Math.PI) / 180), a.lat - b.lat);
  const list = m.stops!;
  let best = list.length - 1;
  let least = far(list[best], city);
  for (let i = 0; i + 1 < list.length; i++) {
    const more = far(list[i], city) + far(city, list[i + 1]) - far(list[i], list[i + 1]);
    if (more < least) [best, least] = [i, more];
  }
  return best;
}

import * as api from "./api";
import { App, timings } from "./app";
import { bottomBar, legend, showTable, topBar } from "./bars";
import { fill, h } from "./dom";
import { leftPanel } from "./left";
import { rightPanel } from "./right";
import type { Language, Mode } from "./types";
import { wordsOf } from "./words";
import "./style.css";

interface Asked {
  region: string | null;
  plan: string | null;
  query: URLSearchParams;
}

function asked(): Asked {
  const query = new URLSearchParams(location.hash.slice(1));
  return { region: query.get("region"), plan: query.get("plan"), query };
}

function languageOf(query: URLSearchParams): Language {
  const wanted = query.get("lang") ?? navigator.language;
  return wanted.toLowerCase().startsWith("zh") ? "zh" : "en";
}

async function main(): Promise<void> {
  const root = document.getElementById("app")!;
  const { region: id, plan, query } = asked();
  const language = languageOf(query);
  const w = wordsOf(language);
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = `megalopolis: ${w("title")}`;
  const top = h("header", { id: "top" });
  const left = h("aside", { id: "left", "aria-label": w("measures") });
  const right = h("aside", { id: "right", "aria-label": w("city") });
  const bottom = h("footer", { id: "bottom" });
  const captions = [h("p", { class: "caption" }), h("p", { class: "caption" })];
  const map = h("div", { class: "map", id: "map" });
  const other = h("div", { class: "map", id: "other" });
  const key = h("section", { id: "legend", "aria-label": w("legend") });
  const fold = h("button", { id: "fold", "aria-expanded": "true", "aria-controls": "left" }, "‹");
  const dialog = h("dialog", { id: "dialog" });
  const stage = h("main", { id: "stage" }, h("div", { id: "maps" }, h("div", { class: "side" }, map, captions[0]), h("div", { class: "side", id: "side" }, other, captions[1])), fold);
  root.replaceChildren(h("a", { class: "skip", href: "#table", onclick: (e: Event) => { e.preventDefault(); document.getElementById("table")?.focus(); } }, w("table")), top, h("div", { id: "side-left" }, left, key), stage, right, bottom, dialog);
  let entries: api.RegionEntry[];
  try {
    entries = await api.regions();
  } catch {
    root.append(h("p", { class: "fatal", role: "alert" }, w("offline")));
    setTimeout(() => void main(), 1500);
    return;
  }
  const entry = entries.find((e) => e.id === id) ?? entries[0];
  const doc = await api.region(entry.id);
  let scheduled = 0;
  let drawnAt = 0;
  const render = (): void => {
    if (scheduled) return;
    scheduled = requestAnimationFrame(() => {
      scheduled = 0;
      if (app.dragging) {
        // the map comes first: beside it only the numbers follow, a few times a second
        if (performance.now() - drawnAt < 150) return;
        drawnAt = performance.now();
        keepOpen(right, () => fill(right, rightPanel(app)));
        keepOpen(bottom, () => fill(bottom, bottomBar(app)));
        fill(key, legend(app));
        return;
      }
      keepOpen(top, () => fill(top, topBar(app, setLanguage)));
      keepOpen(left, () => fill(left, leftPanel(app)));
      if (app.reveal) left.querySelector(".card.open")?.scrollIntoView({ block: "nearest" });
      app.reveal = false;
      keepOpen(right, () => fill(right, rightPanel(app)));
      keepOpen(bottom, () => fill(bottom, bottomBar(app)));
      fill(key, legend(app));
      captions[0].textContent = app.draft.name;
      captions[1].textContent = app.other ? app.pick(app.other.plan.name, app.other.plan.names.zh) + (app.other.view ? "" : " …") : "";
      document.body.classList.toggle("drawing", app.drawn !== null);
    });
  };
  const setLanguage = (l: Language): void => {
    const next = new URLSearchParams(location.hash.slice(1));
    next.set("lang", l);
    history.replaceState(null, "", `#${next}`);
    location.reload();
  };
  const app = new App(doc, entries, { map, other }, language, render);
  if (Number(query.get("year")) >= 1800) app.year = Number(query.get("year"));
  if (query.has("area") || query.has("plan")) app.focus = doc.clusters.some((c) => c.id === query.get("area")) ? query.get("area")! : "";
  if (query.get("show") && query.get("show") !== "minutes") app.indicator = query.get("show")!;
  if (["baseline", "plan", "difference"].includes(query.get("as") ?? "")) app.mode = query.get("as") as Mode;
  if (query.get("city") && app.cities.has(query.get("city")!)) app.place = query.get("city");
  fold.addEventListener("click", () => {
    app.left = !app.left;
    document.body.classList.toggle("folded", !app.left);
    fold.textContent = app.left ? "‹" : "›";
    fold.setAttribute("aria-expanded", String(app.left));
    fold.setAttribute("aria-label", w(app.left ? "measures_hide" : "measures_show"));
  });
  fold.setAttribute("aria-label", w("measures_hide"));
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement && event.target.type !== "range" && event.target.type !== "checkbox";
    if (event.key === "Escape" && app.drawn) app.cancelLine();
    else if (event.key === "Enter" && app.drawn && !typing) app.finishLine();
    else if (typing) return;
    else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.shiftKey) app.undo();
    else if ((event.ctrlKey || event.metaKey) && (event.key.toLowerCase() === "y" || (event.key.toLowerCase() === "z" && event.shiftKey))) app.redo();
    else if (event.key === "t" && !event.ctrlKey && !event.metaKey && !dialog.open) showTable(app);
    else return;
    event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) if (!menu.contains(event.target as Node)) menu.open = false;
  });
  window.addEventListener("beforeprint", () => {
    app.pane.print();
    app.otherPane?.print();
  });
  Object.assign(window, { megalopolis: { app, timings } });
  render();
  await app.start(plan ?? doc.default_plan ?? doc.plans[0] ?? null);
}

/** Details stay open when their panel is drawn again. */
function keepOpen(panel: HTMLElement, draw: () => void): void {
  const active = document.activeElement;
  if (active instanceof HTMLInputElement && panel.contains(active) && ["text", "number"].includes(active.type) && panel.id !== "left") return; // someone types
  const open = [...panel.querySelectorAll<HTMLDetailsElement>("details[open]")].map((d) => d.id).filter(Boolean);
  const scroll = panel.querySelector(".scroll")?.scrollTop ?? 0;
  draw();
  for (const id of open) (document.getElementById(id) as HTMLDetailsElement | null)?.setAttribute("open", "");
  const inner = panel.querySelector(".scroll");
  if (inner) inner.scrollTop = scroll;
}

void main();

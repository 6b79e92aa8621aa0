// One map: MapLibre draws land, clusters, rivers and lines; a canvas above it draws cities, labels and the line at hand,
// so that a drag never waits for the base map.
import * as maplibregl from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import "maplibre-gl/dist/maplibre-gl.css";
import { OUTSIDE } from "./colour";
import type { City, Line, Outlined, Point, RegionDoc, Stop } from "./types";

maplibregl.setWorkerUrl(workerUrl);

const INK = "#1c2733";
const BUILT = "#c8102e";
const HANDLE = 7;

export interface Scene {
  colour: (city: City) => string;
  outside: (city: City) => boolean;
  label: (city: City) => string;
  selected: string | null;
  dimmed: boolean;
}

export interface ActiveLine {
  stops: Stop[];
  dragged: number | null;
}

export interface PaneEvents {
  pick: (city: City | null) => void;
  hover: (city: City | null, x: number, y: number) => void;
  grab: (stop: number, between: boolean) => void;
  drag: (stop: number, lon: number, lat: number, snapped: City | null, at: number) => void;
  drop: (stop: number) => void;
  deleteStop: (stop: number) => void;
  place: (lon: number, lat: number, snapped: City | null) => void;
  finish: () => void;
  moved: (pane: Pane) => void;
  pickLine: (id: string) => void;
}

const collection = (features: GeoJSON.Feature[]): GeoJSON.FeatureCollection => ({ type: "FeatureCollection", features });

/** Side of the world in the units of outlines that are kept to be drawn again and again. */
const WORLD = 4096;
const mercator = ([lon, lat]: Point): Point => [(WORLD * (lon + 180)) / 360, WORLD * (0.5 - Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) / (2 * Math.PI))];

function pathOf(items: Outlined[]): Path2D {
  const path = new Path2D();
  for (const ring of items.flatMap((c) => c.outline).flat()) {
    ring.map(mercator).forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
    path.closePath();
  }
  return path;
}

const polygons = (items: Outlined[]): GeoJSON.FeatureCollection =>
  collection(items.map((c) => ({ type: "Feature", properties: {}, geometry: { type: "MultiPolygon", coordinates: c.outline } })));

export class Pane {
  readonly map: maplibregl.Map;
  readonly canvas = document.createElement("canvas");
  private readonly context: CanvasRenderingContext2D;
  private scene: Scene | null = null;
  private line: ActiveLine | null = null;
  private cities: City[] = [];
  private largest = 1;
  private formed: Path2D | null = null;
  private formedShown = true;
  private ready: Promise<void>;
  private grabbed: number | null = null;
  private wanted = 0;
  private afterDraw: (() => void)[] = [];
  drawing = false;

  constructor(
    readonly element: HTMLElement,
    private readonly region: RegionDoc,
    private readonly events: PaneEvents,
    label: string,
  ) {
    this.map = new maplibregl.Map({
      container: element,
      style: { version: 8, sources: {}, layers: [{ id: "sea", type: "background", paint: { "background-color": "#dfe7ee" } }] },
      attributionControl: false,
      canvasContextAttributes: { preserveDrawingBuffer: true }, // for printing
      renderWorldCopies: false,
      dragRotate: false,
      pitchWithRotate: false,
      maxPitch: 0,
      fadeDuration: 0,
      minZoom: 1,
      maxZoom: 12,
      doubleClickZoom: false,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.getCanvas().setAttribute("aria-label", label);
    this.canvas.className = "overlay";
    this.canvas.setAttribute("aria-hidden", "true");
    element.append(this.canvas);
    this.context = this.canvas.getContext("2d")!;
    this.cities = [...region.cities].sort((a, b) => (b.population ?? 0) - (a.population ?? 0));
    this.largest = Math.max(1, ...this.cities.map((c) => c.population ?? 0));
    this.ready = new Promise((resolve) => this.map.once("style.load", () => resolve()));
    this.map.on("move", () => {
      this.draw();
      this.events.moved(this);
    });
    this.map.on("resize", () => this.resize());
    new ResizeObserver(() => {
      this.map.resize();
      this.resize();
    }).observe(element);
    this.listen();
    this.resize();
    void this.ready.then(() => this.addLayers());
  }

  /** Resolves when the base map is drawn. */
  async whenIdle(): Promise<void> {
    await this.ready;
    if (!this.map.loaded()) await this.map.once("idle");
  }

  private addLayers(): void {
    const empty = collection([]);
    const source = (id: string): void => void this.map.addSource(id, { type: "geojson", data: empty });
    for (const id of ["land", "reached", "planned", "rivers", "sections", "lines", "plan"]) source(id);
    const add = (layer: maplibregl.LayerSpecification): void => void this.map.addLayer(layer);
    add({ id: "land", type: "fill", source: "land", paint: { "fill-color": "#f4f2ec" } });
    add({ id: "coast", type: "line", source: "land", paint: { "line-color": "#b9c1c9", "line-width": 0.8 } });
    add({
      id: "reached",
      type: "fill",
      source: "reached",
      paint: { "fill-color": ["match", ["get", "minutes"], 60, "#0c2c84", 120, "#1d91c0", "#7fcdbb"], "fill-opacity": 0.2 },
    });
    add({ id: "reached-edge", type: "line", source: "reached", paint: { "line-color": "#225ea8", "line-width": 1 } });
    add({ id: "planned", type: "line", source: "planned", paint: { "line-color": "#12466f", "line-opacity": 0.65, "line-width": 1.2, "line-dasharray": [3, 2] } });
    add({ id: "lakes", type: "fill", source: "rivers", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": "#c5dcec" } });
    add({ id: "rivers", type: "line", source: "rivers", paint: { "line-color": "#7db4dc", "line-width": ["get", "width"] }, layout: { "line-cap": "round" } });
    add({
      id: "lines",
      type: "line",
      source: "lines",
      paint: {
        "line-color": ["case", ["get", "fast"], "#7c8794", "#c3bdb0"],
        "line-width": ["interpolate", ["linear"], ["zoom"], 3, ["case", ["get", "fast"], 0.8, 0.5], 8, ["case", ["get", "fast"], 2.2, 1.2]],
      },
      layout: { "line-cap": "round", "line-join": "round" },
    });
    add({ id: "sections", type: "circle", source: "sections", paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 4, 1.4, 8, 3.4], "circle-color": "#ffffff", "circle-stroke-color": "#2b6ea3", "circle-stroke-width": 1.2 } });
    add({
      id: "plan-later",
      type: "line",
      source: "plan",
      filter: ["==", ["get", "later"], true],
      paint: { "line-color": BUILT, "line-width": 1.4, "line-opacity": 0.5, "line-dasharray": [2, 2] },
    });
    add({
      id: "plan",
      type: "line",
      source: "plan",
      filter: ["==", ["get", "later"], false],
      paint: { "line-color": BUILT, "line-width": ["interpolate", ["linear"], ["zoom"], 3, 1.4, 8, 3.2] },
      layout: { "line-cap": "round", "line-join": "round" },
    });
    this.set("planned", polygons(this.region.clusters));
    this.set(
      "rivers",
      collection(
        this.region.rivers.flatMap((r) =>
          r.lines.map((line): GeoJSON.Feature => ({
            type: "Feature",
            properties: { width: Math.min(4.5, 0.5 + Math.log10(1 + (r.flow ?? 0)) * 0.8) },
            geometry: r.kind === "lake" && line.length > 3 ? { type: "Polygon", coordinates: [[...line, line[0]]] } : { type: "LineString", coordinates: line },
          })),
        ),
      ),
    );
    this.set(
      "sections",
      collection(
        this.region.sections.map((s) => ({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [s.lon, s.lat] } })),
      ),
    );
  }

  private set(source: string, data: GeoJSON.GeoJSON): void {
    void this.ready.then(() => (this.map.getSource(source) as maplibregl.GeoJSONSource).setData(data));
  }

  setLand(land: GeoJSON.Feature): void {
    this.set("land", land);
  }

  setLines(lines: Line[]): void {
    this.set(
      "lines",
      collection(
        lines.map((l) => ({
          type: "Feature",
          properties: { fast: l.kind !== "conventional" },
          geometry: { type: "LineString", coordinates: l.at },
        })),
      ),
    );
  }

  setPlan(measures: { id: string; at: Point[]; later: boolean }[]): void {
    this.set(
      "plan",
      collection(measures.map((m) => ({ type: "Feature", properties: { id: m.id, later: m.later }, geometry: { type: "LineString", coordinates: m.at } }))),
    );
  }

  /** Land within 1, 2 and 3 hours of a city; none to take it away. */
  setReached(land: GeoJSON.FeatureCollection | null): void {
    this.set("reached", land ?? collection([]));
  }

  /** Clusters that travel forms: on the canvas, as they follow a line that is dragged. */
  setFormed(clusters: Outlined[]): void {
    this.formed = clusters.length ? pathOf(clusters) : null;
    this.draw();
  }

  showFormed(visible: boolean): void {
    this.formedShown = visible;
    this.draw();
  }

  setLayer(names: string[], visible: boolean): void {
    void this.ready.then(() => {
      for (const name of names) this.map.setLayoutProperty(name, "visibility", visible ? "visible" : "none");
    });
  }

  setScene(scene: Scene): void {
    this.scene = scene;
    this.draw();
  }

  setLine(line: ActiveLine | null): void {
    this.line = line;
    this.draw();
  }

  /** Show some cities, all of them inside the frame. */
  fit(cities: City[], animate = true): void {
    if (!cities.length) return;
    const bounds = new maplibregl.LngLatBounds();
    for (const c of cities) bounds.extend([c.lon, c.lat]);
    const side = Math.min(56, this.element.clientWidth / 8);
    this.map.fitBounds(bounds, { padding: { top: 36, bottom: 36, left: side, right: side + 20 }, maxZoom: 9, animate, duration: 500 });
  }

  follow(other: Pane): void {
    this.map.jumpTo({ center: other.map.getCenter(), zoom: other.map.getZoom() });
  }

  /** Leave a picture of the map for the printer, which gets no canvas. */
  print(): void {
    this.paint();
    const [base, own] = [this.map.getCanvas(), this.canvas];
    const whole = document.createElement("canvas");
    [whole.width, whole.height] = [own.width, own.height];
    const context = whole.getContext("2d")!;
    context.drawImage(base, 0, 0, whole.width, whole.height);
    context.drawImage(own, 0, 0);
    let picture = this.element.querySelector<HTMLImageElement>(".printed");
    if (!picture) {
      picture = document.createElement("img");
      picture.className = "printed";
      picture.alt = "";
      this.element.append(picture);
    }
    picture.src = whole.toDataURL("image/png");
  }

  remove(): void {
    this.map.remove();
    this.element.replaceChildren();
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    this.draw();
  }

  /** Draw at the next frame of the screen; `after` is called once the new colours are on the canvas. */
  draw(after?: () => void): void {
    if (after) this.afterDraw.push(after);
    if (this.wanted) return;
    this.wanted = requestAnimationFrame(() => {
      this.wanted = 0;
      this.paint();
      for (const call of this.afterDraw.splice(0)) call();
    });
  }

  radius(city: City): number {
    const zoom = this.map.getZoom();
    const base = 2 + 11 * Math.sqrt((city.population ?? 0) / this.largest);
    return Math.max(2.2, base * Math.min(1.5, 0.42 + 0.13 * zoom));
  }

  private xy(lon: number, lat: number): Point {
    const p = this.map.project([lon, lat]);
    return [p.x, p.y];
  }

  private paint(): void {
    const { context: c, scene } = this;
    const ratio = window.devicePixelRatio || 1;
    const width = this.canvas.width / ratio;
    const height = this.canvas.height / ratio;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);
    if (!scene) return;
    const shown: { city: City; x: number; y: number; r: number }[] = [];
    for (const city of this.cities) {
      const [x, y] = this.xy(city.lon, city.lat);
      if (x > -20 && y > -20 && x < width + 20 && y < height + 20) shown.push({ city, x, y, r: this.radius(city) });
    }
    this.paintFormed(c);
    this.paintLine(c, false);
    c.globalAlpha = scene.dimmed ? 0.45 : 1;
    for (const { city, x, y, r } of shown) {
      const outside = scene.outside(city);
      c.beginPath();
      c.arc(x, y, outside ? r * 0.8 : r, 0, 2 * Math.PI);
      c.fillStyle = outside ? OUTSIDE : scene.colour(city);
      c.fill();
      c.lineWidth = city.id === scene.selected ? 3 : 0.9;
      c.strokeStyle = city.id === scene.selected ? "#000" : outside ? "#b4bac1" : "#3c4956";
      c.stroke();
    }
    c.globalAlpha = 1;
    this.paintLabels(c, shown, width, height);
    this.paintLine(c, true);
  }

  private paintLabels(c: CanvasRenderingContext2D, shown: { city: City; x: number; y: number; r: number }[], width: number, height: number): void {
    const scene = this.scene!;
    const boxes: [number, number, number, number][] = [];
    const free = (b: [number, number, number, number]): boolean =>
      b[0] > 0 && b[1] > 0 && b[2] < width && b[3] < height && !boxes.some((o) => b[0] < o[2] && b[2] > o[0] && b[1] < o[3] && b[3] > o[1]);
    const ordered = [...shown].sort((a, b) => Number(b.city.id === scene.selected) - Number(a.city.id === scene.selected) || Number(scene.outside(a.city)) - Number(scene.outside(b.city)));
    c.textBaseline = "middle";
    c.lineJoin = "round";
    for (const { city, x, y, r } of ordered.slice(0, 140)) {
      const outside = scene.outside(city);
      const size = outside ? 10.5 : 12.5;
      c.font = `${outside ? 400 : 600} ${size}px "Source Sans 3", "Segoe UI", system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif`;
      const text = scene.label(city);
      const wide = c.measureText(text).width;
      const half = size * 0.62;
      const places: [number, number][] = [
        [x + r + 3, y],
        [x - r - 3 - wide, y],
        [x - wide / 2, y - r - 2 - half],
        [x - wide / 2, y + r + 2 + half],
      ];
      const spot = places.find(([tx, ty]) => free([tx - 1, ty - half, tx + wide + 1, ty + half]));
      if (!spot) continue;
      boxes.push([spot[0] - 1, spot[1] - half, spot[0] + wide + 1, spot[1] + half]);
      c.strokeStyle = "rgba(255,255,255,0.9)";
      c.lineWidth = 3;
      c.strokeText(text, ...spot);
      c.fillStyle = outside ? "#6b7680" : INK;
      c.fillText(text, ...spot);
    }
  }

  private paintFormed(c: CanvasRenderingContext2D): void {
    if (!this.formed || !this.formedShown) return;
    const [x, y] = this.xy(0, 0);
    const scale = (this.xy(90, 0)[0] - x) / (WORLD / 4);
    c.save();
    c.transform(scale, 0, 0, scale, x - (scale * WORLD) / 2, y - (scale * WORLD) / 2);
    c.fillStyle = "rgba(138,109,59,0.09)";
    c.fill(this.formed);
    c.lineWidth = 1.1 / scale;
    c.strokeStyle = "rgba(138,109,59,0.65)";
    c.stroke(this.formed);
    c.restore();
  }

  private paintLine(c: CanvasRenderingContext2D, handles: boolean): void {
    if (!this.line?.stops.length) return;
    const points = this.line.stops.map((s) => this.xy(s.lon, s.lat));
    if (!handles) {
      c.beginPath();
      points.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
      c.lineWidth = 6;
      c.strokeStyle = "rgba(255,255,255,0.85)";
      c.stroke();
      c.lineWidth = 3.4;
      c.strokeStyle = BUILT;
      c.stroke();
      return;
    }
    for (const [x, y] of this.middles(points)) {
      c.beginPath();
      c.arc(x, y, 4, 0, 2 * Math.PI);
      c.fillStyle = "rgba(255,255,255,0.95)";
      c.fill();
      c.lineWidth = 1.2;
      c.strokeStyle = BUILT;
      c.stroke();
    }
    points.forEach(([x, y], i) => {
      c.beginPath();
      c.arc(x, y, HANDLE, 0, 2 * Math.PI);
      c.fillStyle = i === this.line!.dragged ? BUILT : "#fff";
      c.fill();
      c.lineWidth = 2.6;
      c.strokeStyle = BUILT;
      c.stroke();
    });
  }

  private middles(points: Point[]): Point[] {
    if (this.drawing) return [];
    const found: Point[] = [];
    for (let i = 1; i < points.length; i++) {
      const [a, b] = [points[i - 1], points[i]];
      if (Math.hypot(a[0] - b[0], a[1] - b[1]) > 44) found.push([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);
      else found.push([NaN, NaN]);
    }
    return found;
  }

  /** City under a point of the element. */
  cityAt(x: number, y: number, slack = 3): City | null {
    let best: City | null = null;
    let least = Infinity;
    for (const city of this.cities) {
      const [cx, cy] = this.xy(city.lon, city.lat);
      const d = Math.hypot(cx - x, cy - y) - this.radius(city);
      if (d < slack && d < least) [best, least] = [city, d];
    }
    return best;
  }

  private handleAt(x: number, y: number): { stop: number; between: boolean } | null {
    if (!this.line || this.drawing) return null;
    const points = this.line.stops.map((s) => this.xy(s.lon, s.lat));
    for (let i = points.length - 1; i >= 0; i--) if (Math.hypot(points[i][0] - x, points[i][1] - y) < HANDLE + 4) return { stop: i, between: false };
    const middles = this.middles(points);
    for (let i = 0; i < middles.length; i++) if (Math.hypot(middles[i][0] - x, middles[i][1] - y) < 8) return { stop: i + 1, between: true };
    return null;
  }

  private at(event: MouseEvent): Point {
    const box = this.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  private snapped(x: number, y: number): City | null {
    return this.cityAt(x, y, 7);
  }

  private listen(): void {
    const { element, events } = this;
    let down: Point | null = null;
    element.addEventListener(
      "pointerdown",
      (event) => {
        const [x, y] = this.at(event);
        down = [x, y];
        const handle = event.button === 0 ? this.handleAt(x, y) : null;
        if (!handle) return;
        event.stopPropagation();
        event.preventDefault();
        this.map.dragPan.disable();
        element.setPointerCapture(event.pointerId);
        this.grabbed = handle.stop;
        events.grab(handle.stop, handle.between);
      },
      { capture: true },
    );
    for (const name of ["mousedown", "touchstart"])
      element.addEventListener(name, (event) => this.grabbed !== null && event.stopPropagation(), { capture: true });
    element.addEventListener("pointermove", (event) => {
      const [x, y] = this.at(event);
      if (this.grabbed !== null) {
        const city = this.snapped(x, y);
        const { lng, lat } = this.map.unproject([x, y]);
        events.drag(this.grabbed, city?.lon ?? lng, city?.lat ?? lat, city, event.timeStamp);
        return;
      }
      const handle = this.handleAt(x, y);
      const city = handle ? null : this.cityAt(x, y);
      this.map.getCanvas().style.cursor = handle ? "grab" : this.drawing ? "crosshair" : city ? "pointer" : "";
      events.hover(city, x, y);
    });
    const release = (event: PointerEvent): void => {
      if (this.grabbed === null) return;
      event.stopPropagation();
      const stop = this.grabbed;
      this.grabbed = null;
      this.map.dragPan.enable();
      down = null;
      events.drop(stop);
    };
    element.addEventListener("pointerup", release, { capture: true });
    element.addEventListener("pointercancel", release, { capture: true });
    element.addEventListener("pointerleave", () => events.hover(null, 0, 0));
    element.addEventListener("click", (event) => {
      const [x, y] = this.at(event);
      if (!down || Math.hypot(down[0] - x, down[1] - y) > 4) return;
      if (this.drawing) {
        if (event.detail > 1) return;
        const city = this.snapped(x, y);
        const { lng, lat } = this.map.unproject([x, y]);
        events.place(city?.lon ?? lng, city?.lat ?? lat, city);
        return;
      }
      if (this.handleAt(x, y)) return;
      const city = this.cityAt(x, y);
      if (city) return events.pick(city);
      const box: [Point, Point] = [[x - 4, y - 4], [x + 4, y + 4]];
      const line = this.map.queryRenderedFeatures(box, { layers: ["plan", "plan-later"] })[0];
      if (line) return events.pickLine(String(line.properties.id));
      events.pick(null);
    });
    element.addEventListener("dblclick", (event) => {
      if (this.drawing) return events.finish();
      const handle = this.handleAt(...this.at(event));
      if (handle && !handle.between) events.deleteStop(handle.stop);
    });
  }
}

// Colours of values. ColorBrewer's RdBu and YlGnBu (Harrower and Brewer 2003), safe for the colour-blind.

export const GAINS = ["#d1e5f0", "#92c5de", "#4393c3", "#2166ac", "#053061"];
export const LOSSES = ["#fddbc7", "#f4a582", "#d6604d", "#b2182b", "#67001f"];
export const LEVELS = ["#ffffcc", "#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#0c2c84"];
export const UNCHANGED = "#b4bac1";
export const OUTSIDE = "#d3d6d9";

/** Edges are one of these times a power of ten. */
const STEPS = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

export interface Classes {
  edges: number[];
  colours: string[];
}

/** Colour of a value; grey where there is none. */
export function colourOf(classes: Classes, value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNCHANGED;
  let at = 0;
  while (at < classes.edges.length && value >= classes.edges[at]) at++;
  return classes.colours[at];
}

function rounded(value: number, steps: number[]): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const near = steps.reduce((a, b) => (Math.abs(Math.log(value / power / b)) < Math.abs(Math.log(value / power / a)) ? b : a));
  return Number((power * near).toPrecision(6));
}

function edgesOf(values: number[], count: number, steps: number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b);
  const edges: number[] = [];
  for (let k = 1; k < count; k++) {
    const value = sorted[Math.floor((k / count) * (sorted.length - 1))];
    if (!(value > 0)) continue;
    const edge = rounded(value, steps);
    if (!edges.includes(edge) && edge < sorted[sorted.length - 1]) edges.push(edge);
  }
  return edges.sort((a, b) => a - b);
}

/** Classes of changes: grey about zero; blue for what is better, red for what is worse, darker for more. */
export function changeClasses(values: number[], nothing: number, better: number): Classes {
  const finite = values.filter(Number.isFinite);
  const up = finite.filter((v) => v >= nothing);
  const down = finite.filter((v) => v <= -nothing).map((v) => -v);
  const above = up.length ? [nothing, ...edgesOf(up, 5, STEPS).filter((e) => e > nothing)] : [];
  const below = down.length ? [nothing, ...edgesOf(down, 5, STEPS).filter((e) => e > nothing)] : [];
  const [rise, fall] = better < 0 ? [LOSSES, GAINS] : [GAINS, LOSSES];
  const pick = (ramp: string[], n: number): string[] => (n === 0 ? [] : n === 1 ? [ramp[2]] : ramp.slice(ramp.length - n));
  return {
    edges: [...below.map((e) => -e).reverse(), ...above],
    colours: [...pick(fall, below.length).reverse(), UNCHANGED, ...pick(rise, above.length)],
  };
}

/** Classes of levels, light to dark; of minutes in whole hours. */
export function levelClasses(values: number[], unit: string): Classes {
  const finite = values.filter(Number.isFinite);
  if (unit === "min" && finite.some((v) => v > 90)) {
    return { edges: [60, 120, 180, 240, 360, 480], colours: [...LEVELS].reverse() };
  }
  const edges = edgesOf(finite.filter((v) => v > 0), 6, STEPS);
  return { edges, colours: LEVELS.slice(LEVELS.length - edges.length - 1) };
}

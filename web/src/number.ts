// Numbers as the report prints them (src/megalopolis/evaluation/number.py): no more digits than the range supports.
import type { Language } from "./types";

const DIGITS = 3;
const MOST_DIGITS = 4;
const SCALES: Record<Language, [number, string][]> = {
  en: [[1e12, " trillion"], [1e9, " bn"], [1e6, " million"]],
  zh: [[1e12, "万亿"], [1e8, "亿"], [1e4, "万"]],
};
const UNITS: Record<Language, Record<string, string>> = {
  en: { min: " min", km: " km", "%": " %", share: " %", points: " pts", persons: "" },
  zh: { min: "分钟", km: "公里", "%": "%", share: "%", points: "个百分点", persons: "人" },
};
const MONEY_ZH: Record<string, string> = { CNY: "元", JPY: "日元", USD: "美元", EUR: "欧元" };
const COUNTS = new Set(["clusters", "corridors", "cities", "year"]);
const WHOLE = new Set(["min", "km", "persons"]);

export interface Printed {
  text: string;
  low: string;
  high: string;
}

export const known = (x: number | null | undefined): x is number => typeof x === "number" && Number.isFinite(x);

/** Python's round: halves to even. */
function round(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

function stepOf(value: number, low: number | null, high: number | null): number {
  const largest = Math.max(...[value, low, high].filter(known).map(Math.abs));
  if (largest === 0) return 1;
  const order = Math.floor(Math.log10(largest));
  if (!known(low) || !known(high) || high <= low) return 10 ** (order - DIGITS + 1);
  return 10 ** Math.max(Math.floor(Math.log10((high - low) / 2) + 1e-9), order - MOST_DIGITS + 1);
}

function digits(steps: number, step: number, signed: boolean): string {
  if (steps === 0) return "0";
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const sign = steps < 0 ? "−" : signed ? "+" : "";
  return sign + (Math.abs(steps) * step).toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
}

function unitText(unit: string, language: Language): string {
  const found = UNITS[language][unit];
  if (found !== undefined) return found;
  if (/^[A-Z]{3}$/.test(unit)) return language === "zh" ? (MONEY_ZH[unit] ?? ` ${unit}`) : ` ${unit}`;
  return "";
}

/** Print a value and its range. */
export function number(
  value: number | null | undefined,
  low: number | null = null,
  high: number | null = null,
  unit = "",
  language: Language = "en",
  signed = false,
): Printed {
  if (!known(value)) return { text: "–", low: "", high: "" };
  if (COUNTS.has(unit) && Number.isInteger(value)) {
    return { text: unit === "year" ? String(value) : value.toLocaleString("en-US"), low: "", high: "" };
  }
  if (unit === "share") {
    value *= 100;
    low = known(low) ? low * 100 : null;
    high = known(high) ? high * 100 : null;
  }
  const ranged = known(low) && known(high) && high > low;
  let step = stepOf(value, low, high);
  if (!ranged && WHOLE.has(unit)) step = Math.max(step, 1);
  if (!ranged && (unit === "%" || unit === "share" || unit === "points")) step = Math.max(step, 0.1);
  const steps = [round(value / step)];
  if (ranged) steps.push(Math.floor(low! / step + 1e-9), Math.ceil(high! / step - 1e-9));
  const largest = Math.max(...steps.map(Math.abs)) * step;
  const [scale, suffix] = SCALES[language].find(([s]) => largest >= s * (1 - 1e-9)) ?? [1, ""];
  const shown = steps.map((n) => digits(n, step / scale, signed));
  return { text: shown[0] + suffix + unitText(unit, language), low: shown[1] ?? "", high: shown[2] ?? "" };
}

/** An edge of a class: a round number, printed without digits that say nothing. */
export function edge(value: number, unit: string, language: Language, signed: boolean): string {
  if (unit === "share") value *= 100;
  const [scale, suffix] = SCALES[language].find(([s]) => Math.abs(value) >= s) ?? [1, ""];
  const text = Number((Math.abs(value) / scale).toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 12 });
  const sign = value < 0 ? "−" : signed && value > 0 ? "+" : "";
  return sign + text + suffix + unitText(unit, language);
}

/** Unit that stands in a head: none where the number bears it. */
export function headUnit(unit: string, currency: string, language: Language): string {
  const own = unit.replace("currency", currency);
  return unitText(own, language).trim() || own === "persons" ? "" : own;
}

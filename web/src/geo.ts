// Distances, and how a line changes when one of its stops does.
import type { Stop } from "./types";

/** Rail km per great-circle km where none is given (RAIL_DETOUR of the engine). */
export const RAIL_DETOUR = 1.15;

export function greatCircleKm(a: { lon: number; lat: number }, b: { lon: number; lat: number }): number {
  const rad = Math.PI / 180;
  const s =
    Math.sin(((b.lat - a.lat) * rad) / 2) ** 2 +
    Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(((b.lon - a.lon) * rad) / 2) ** 2;
  return 2 * 6371 * Math.asin(Math.min(1, Math.sqrt(s)));
}

/** Km of every stop: a leg between two stops that did not move keeps its length, others are assumed. */
export function withKm(stops: Stop[], before: Stop[]): Stop[] {
  const old = new Map<string, number>();
  for (let i = 1; i < before.length; i++) old.set(`${key(before[i - 1])}|${key(before[i])}`, before[i].km - before[i - 1].km);
  let km = 0;
  return stops.map((stop, i) => {
    if (i > 0) {
      const leg = old.get(`${key(stops[i - 1])}|${key(stop)}`) ?? RAIL_DETOUR * greatCircleKm(stops[i - 1], stop);
      km += Math.max(leg, 0.1);
    }
    return { ...stop, km: Math.round(km * 10) / 10 };
  });
}

const key = (stop: Stop): string => `${stop.station}@${stop.lon.toFixed(4)},${stop.lat.toFixed(4)}`;

export function lengthKm(stops: Stop[]): number {
  return stops.length ? stops[stops.length - 1].km : 0;
}

/** A stop as a plan file writes it. */
export function stopFields(stop: Stop): Record<string, unknown> {
  if (!stop.new) return stop.station === stop.city ? { city: stop.city, km: stop.km } : { station: stop.station, km: stop.km };
  const fields: Record<string, unknown> = { name: stop.name, lon: round(stop.lon), lat: round(stop.lat), km: stop.km };
  if (stop.name_local) fields.name_local = stop.name_local;
  if (stop.city) fields.city = stop.city;
  return fields;
}

const round = (x: number): number => Math.round(x * 1e4) / 1e4;

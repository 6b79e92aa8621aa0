import { describe, expect, it } from "vitest";
import { changeClasses, colourOf, GAINS, levelClasses, LOSSES, UNCHANGED } from "../src/colour";

describe("classes of changes", () => {
  it("tell gains from losses, and both from nothing", () => {
    const classes = changeClasses([-8, -3, -1, 0, 0.01, 1, 3, 7, 30], 0.05, 1);
    expect(classes.colours.length).toBe(classes.edges.length + 1);
    expect(classes.edges).toEqual([...classes.edges].sort((a, b) => a - b));
    expect(LOSSES).toContain(colourOf(classes, -8));
    expect(colourOf(classes, 0.01)).toBe(UNCHANGED);
    expect(GAINS).toContain(colourOf(classes, 30));
    expect(GAINS.indexOf(colourOf(classes, 30))).toBeGreaterThan(GAINS.indexOf(colourOf(classes, 1)));
  });

  it("show what is better in blue, also where less is better", () => {
    expect(GAINS).toContain(colourOf(changeClasses([-5, -4, -1, 0], 0.05, -1), -5));
  });

  it("take odd values", () => {
    for (const values of [[], [0], [NaN], [5], [-5, -5, -5], [1e-12, -1e-12]]) {
      const classes = changeClasses(values, 0.05, 1);
      expect(classes.colours.length).toBe(classes.edges.length + 1);
      for (const v of values) expect(colourOf(classes, v)).toMatch(/^#/);
      const levels = levelClasses(values, "persons");
      expect(levels.colours.length).toBe(levels.edges.length + 1);
    }
    expect(colourOf(changeClasses([1], 0.05, 1), null)).toBe(UNCHANGED);
  });
});

it("minutes are coloured by the hour, near is dark", () => {
  const classes = levelClasses([10, 100, 500], "min");
  expect(classes.edges[0]).toBe(60);
  expect(colourOf(classes, 10)).toBe("#0c2c84");
});

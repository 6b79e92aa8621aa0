// @ts-expect-error the types of Node are not worth a dependency
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { edge, headUnit, number } from "../src/number";
import type { Language } from "../src/types";

declare const process: { env: Record<string, string | undefined> };

interface Case {
  arguments: [number | null, number | null, number | null, string, Language, boolean];
  printed: [string, string, string];
}

describe("numbers", () => {
  const file = process.env.MEGALOPOLIS_NUMBERS;
  it.skipIf(!file)("are printed as the report prints them", () => {
    const cases = JSON.parse(readFileSync(file!, "utf8")) as Case[];
    expect(cases.length).toBeGreaterThan(300);
    for (const { arguments: args, printed } of cases) {
      const { text, low, high } = number(...args);
      expect([text, low, high], JSON.stringify(args)).toEqual(printed);
    }
  });

  it("say no more than the range supports", () => {
    expect(number(123.456, 100, 150, "min").text).toBe("120 min");
    expect(number(null).text).toBe("–");
    expect(number(-0.1234, null, null, "share", "en", true).text).toBe("−12.3 %");
    expect(number(84.9e6, null, null, "persons", "zh").text).toBe("8,490万人");
  });

  it("edges of classes are round", () => {
    expect(edge(20, "%", "en", true)).toBe("+20 %");
    expect(edge(-0.05, "%", "en", true)).toBe("−0.05 %");
    expect(edge(2.5e6, "persons", "en", false)).toBe("2.5 million");
  });

  it("heads bear the unit that the number does not", () => {
    expect(headUnit("min", "CNY", "en")).toBe("");
    expect(headUnit("trains/day", "CNY", "en")).toBe("trains/day");
    expect(headUnit("currency/year", "CNY", "en")).toBe("CNY/year");
  });
});

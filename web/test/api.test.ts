import { describe, expect, it } from "vitest";
import { Latest, readFrame } from "../src/api";
import { texts } from "../src/words";

describe("edits", () => {
  it("are sent one at a time, the newest of those that wait", () => {
    const sent: number[] = [];
    const latest = new Latest<number>((n) => (sent.push(n), true));
    for (const n of [1, 2, 3, 4]) latest.offer(n);
    expect(sent).toEqual([1]);
    latest.answered();
    expect(sent).toEqual([1, 4]);
    latest.answered();
    expect(sent).toEqual([1, 4]);
    expect(latest.idle).toBe(true);
  });

  it("wait where the channel is closed, and are not lost", () => {
    let open = false;
    const sent: number[] = [];
    const latest = new Latest<number>((n) => open && (sent.push(n), true));
    latest.offer(1);
    latest.offer(2);
    open = true;
    latest.answered();
    expect(sent).toEqual([2]);
  });
});

it("a frame is read as it is written", () => {
  const head = new TextEncoder().encode(JSON.stringify({ seq: 3, of: "travel", columns: ["a", "b"], places: 2 }).padEnd(60));
  const buffer = new ArrayBuffer(4 + head.length + 16);
  new DataView(buffer).setUint32(0, head.length, true);
  new Uint8Array(buffer).set(head, 4);
  new Float32Array(buffer, 4 + head.length).set([1, 2, 3, NaN]);
  const frame = readFrame(buffer);
  expect(frame.seq).toBe(3);
  expect([...frame.columns.get("a")!]).toEqual([1, 2]);
  expect(frame.columns.get("b")![1]).toBeNaN();
});

it("every text is there in both languages with the same fields", () => {
  for (const [key, [en, zh]] of Object.entries(texts)) {
    expect(en && zh, key).toBeTruthy();
    const fields = (t: string): string[] => [...t.matchAll(/\{\w+\}/g)].map((m) => m[0]).sort();
    expect(fields(zh), key).toEqual(fields(en));
  }
});

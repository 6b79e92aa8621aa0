"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = head.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") !== "descending" && (head.classList.contains("number") || head.getAttribute("aria-sort") === "ascending");
      const key = (row) => row.cells[column].dataset.sort;
      const words = new Intl.Collator(document.documentElement.lang);
      const rows = [...body.rows].map((row, place) => ({ row, place, value: key(row), text: row.cells[column].textContent }));
      rows.sort((a, b) => {
        if ((a.value === undefined) !== (b.value === undefined)) return a.value === undefined ? 1 : -1;
        const order = a.value === undefined ? words.compare(a.text, b.text) : Number(a.value) - Number(b.value);
        return (down ? -order : order) || a.place - b.place;
      });
      table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      body.append(...rows.map((entry) => entry.row));
    });
  });
}
const closed = () => document.querySelectorAll("details:not([open])");
let opened = [];
addEventListener("beforeprint", () => { opened = [...closed()]; opened.forEach((part) => { part.open = true; }); });
addEventListener("afterprint", () => opened.forEach((part) => { part.open = false; }));

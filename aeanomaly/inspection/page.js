"use strict";
(() => {
  // Filters and sorts the rows. Without the script, they are listed in ascending order of their scores.
  const table = document.getElementById("worst");
  const controls = document.getElementById("controls");
  const find = document.getElementById("find");
  const top = document.getElementById("top");
  const only = document.getElementById("only");
  const open = document.getElementById("open");
  const count = document.getElementById("count");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));

  const filter = () => {
    const wanted = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits =
        wanted.every((word) => words.get(row).includes(word)) &&
        (top.value === "" || row.dataset.top === top.value) &&
        (!only.checked || row.dataset.flagged === "1");
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    count.textContent = `${shown} of ${rows.length} ${rows.length === 1 ? "row" : "rows"} shown`;
  };

  const sort = (head) => {
    const place = head.cellIndex;
    const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of head.parentElement.cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
    const numeric = head.dataset.sort === "number";
    const key = (row) => (numeric ? Number(row.cells[place].dataset.value) : row.cells[place].textContent);
    const keys = new Map(rows.map((row) => [row, key(row)]));
    const compare = numeric
      ? (a, b) => keys.get(a) - keys.get(b)
      : (a, b) => keys.get(a).localeCompare(keys.get(b));
    rows.sort((a, b) => sign * compare(a, b));
    body.append(...rows);
  };

  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(head));
    head.append(button);
  }

  // In a frame of a notebook, the links would lead out of this page.
  if (location.protocol === "about:") {
    for (const link of document.querySelectorAll("nav a")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        document.getElementById(link.hash.slice(1)).scrollIntoView();
      });
    }
  }

  let opened = false;
  open.addEventListener("click", () => {
    opened = !opened;
    for (const details of body.querySelectorAll("details")) details.open = opened;
    open.textContent = opened ? "Collapse all" : "Expand all";
  });
  for (const control of [find, top, only]) control.addEventListener("input", filter);
  controls.hidden = false;
  filter(); // a browser may restore the input after a reload
})();

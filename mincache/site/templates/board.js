// Sorting, searching, filtering and pinning rows. Everything works on the tables as they stand: no number is
// computed here, so that the page cannot disagree with the files that it was made from. What is chosen lives in
// the address, after the #, which works from disk too; going back undoes it. Without this file all can be read.
"use strict";

let state = new URLSearchParams(location.hash.slice(1));

function remember(name, ...values) {
  state.delete(name);
  for (const value of values) if (value) state.append(name, value);
  const address = state.toString();
  history.pushState(null, "", address ? `#${address}` : location.pathname + location.search);
}

// --- sorting: each header becomes a button ---

function keyOf(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
  const number = cell.classList.contains("n") && !cell.classList.contains("none");
  return number ? Number(cell.textContent) : cell.textContent.trim();
}

function order(a, b) {
  const [x, y] = [typeof a === "number", typeof b === "number"];
  if (x && y) return a - b;
  return x || y ? 0 : a.localeCompare(b);
}

const mains = document.querySelectorAll("table.main");

function titleOf(cell) {
  return cell.textContent.trim();
}

// Sorts tables by the column of a title, or back to the order of the page.
function sortBy(tables, title, descending) {
  for (const table of tables) {
    const headers = [...table.tHead.rows[0].cells];
    const column = headers.findIndex((cell) => titleOf(cell) === title);
    if (title && column < 0) continue;
    const numeric = title && headers[column].classList.contains("n");
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, key: title && keyOf(row, column) }));
    rows.sort((a, b) => {
      // Cells without a number stand last, whichever way a column of numbers is sorted.
      const missing = numeric ? (typeof a.key !== "number") - (typeof b.key !== "number") : 0;
      const sorted = title && (descending ? order(b.key, a.key) : order(a.key, b.key));
      return missing || sorted || a.row.dataset.place - b.row.dataset.place;
    });
    table.tBodies[0].append(...rows.map((entry) => entry.row));
    headers.forEach((cell, index) => {
      if (title && index === column) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
  }
}

function restoreSort() {
  const sort = state.get("sort") || "";
  sortBy(mains, sort.replace(/^-/, ""), sort.startsWith("-"));
}

function makeSortable() {
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tBodies[0].rows].forEach((row, place) => { row.dataset.place = place; });
    for (const cell of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = titleOf(cell);
      button.addEventListener("click", () => {
        const descending = cell.getAttribute("aria-sort") === "ascending";
        if (!table.classList.contains("main")) return sortBy([table], titleOf(cell), descending);
        remember("sort", (descending ? "-" : "") + titleOf(cell));
        restoreSort();
      });
      cell.replaceChildren(button);
    }
  }
}

// --- filtering: slices by N, rows by kind, tier, words and pins ---

const form = document.getElementById("filter");

function pins() {
  return new Set(state.getAll("pin"));
}

function applyFilter() {
  const chosen = Object.fromEntries(new FormData(form));
  const words = (chosen.search || "").toLowerCase();
  const pinned = pins();
  const slices = [...document.querySelectorAll(".slice")];
  const shown = slices.find((one) => one.dataset.users === (chosen.users || "")) || slices[0];
  let rows = 0;
  for (const slice of slices) {
    slice.hidden = slice !== shown;
    slice.classList.toggle("all", Boolean(chosen.all));
    for (const row of slice.querySelectorAll("tbody tr")) {
      const fits = ["kind", "tier"].every((name) => !chosen[name] || row.dataset[name] === chosen[name]);
      const pin = pinned.has(row.dataset.name);
      row.classList.toggle("pinned", pin);
      row.querySelector(".pin").setAttribute("aria-pressed", pin);
      const kept = pin || (!chosen.pinned && fits && row.dataset.name.toLowerCase().includes(words));
      row.hidden = !kept;
      if (slice === shown && kept) rows += 1;
    }
    // Pinned rows stand first, to be compared; the others keep their order.
    const body = slice.querySelector("tbody");
    body.prepend(...[...body.rows].filter((row) => row.classList.contains("pinned")));
  }
  document.getElementById("shown").textContent = `${rows} ${rows === 1 ? "row" : "rows"} shown`;
  form.querySelector("[type=reset]").disabled = !Object.values(chosen).some(Boolean) && !pinned.size;
}

function restoreFilter() {
  if (!form) return;
  for (const field of form.elements) {
    if (!field.name) continue;
    const wanted = state.get(field.name) || "";
    if (field.type === "checkbox") field.checked = Boolean(wanted);
    else if (field.type === "search") field.value = wanted;
    else field.value = [...field.options].some((option) => option.value === wanted) ? wanted : "";
  }
  applyFilter();
}

function makePins() {
  for (const row of document.querySelectorAll("table.ranking tbody tr")) {
    const header = row.querySelector("th");
    const name = row.dataset.name = header.textContent.trim();
    const button = document.createElement("button");
    button.type = "button";
    button.className = "pin";
    button.title = "pin this row";
    button.setAttribute("aria-label", `pin ${name}`);
    button.addEventListener("click", () => {
      const pinned = pins();
      if (!pinned.delete(name)) pinned.add(name);
      remember("pin", ...pinned);
      restore();
    });
    header.append(button);
  }
}

function makeFilter() {
  if (!form) return;
  makePins();
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", applyFilter);
  form.addEventListener("change", ({ target }) => {
    remember(target.name, target.type === "checkbox" ? (target.checked ? "1" : "") : target.value);
    applyFilter();
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const name of new Set(state.keys())) if (name !== "sort") state.delete(name);
    remember("search", "");
    restore();
    form.querySelector("input").focus();
  });
}

function restore() {
  restoreSort();
  restoreFilter();
}

// The link would put its own target where the address keeps the sort and the filter.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});
makeSortable();
makeFilter();
restore();
for (const event of ["popstate", "hashchange"]) {
  window.addEventListener(event, () => {
    state = new URLSearchParams(location.hash.slice(1));
    restore();
  });
}

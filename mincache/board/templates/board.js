// Sorting, filtering and charts of the leaderboard's pages. Everything works on the tables as they stand:
// no number is computed here, so that the page cannot disagree with the files that it was made from.
"use strict";

const state = new URLSearchParams(location.hash.slice(1));

function remember(name, value) {
  if (value) state.set(name, value);
  else state.delete(name);
  const address = state.toString();
  history.replaceState(null, "", address ? `#${address}` : location.pathname + location.search);
}

// --- sorting: each header becomes a button ---

function keyOf(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
}

function order(a, b) {
  // Cells without a number stand last, whichever way a column is sorted.
  const [x, y] = [typeof a === "number", typeof b === "number"];
  if (x && y) return a - b;
  return x !== y ? 0 : String(a).localeCompare(String(b));
}

function sortTable(table, column, descending) {
  const body = table.tBodies[0];
  const numeric = table.tHead.rows[0].cells[column].classList.contains("number");
  const rows = [...body.rows].map((row, index) => ({ row, index, key: keyOf(row, column) }));
  rows.sort((a, b) => {
    const missing = numeric ? (typeof a.key !== "number") - (typeof b.key !== "number") : 0;
    return missing || (descending ? order(b.key, a.key) : order(a.key, b.key)) || a.index - b.index;
  });
  body.append(...rows.map((entry) => entry.row));
  [...table.tHead.rows[0].cells].forEach((cell, index) => {
    if (index === column) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  });
}

function sortAll(name, descending) {
  for (const table of document.querySelectorAll("table.sortable")) {
    const titles = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
    const column = titles.indexOf(name);
    if (column >= 0) sortTable(table, column, descending);
  }
}

function makeSortable() {
  for (const cell of document.querySelectorAll("table.sortable thead th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = cell.textContent.trim();
    button.addEventListener("click", () => {
      const descending = cell.getAttribute("aria-sort") === "ascending";
      remember("sort", (descending ? "-" : "") + button.textContent);
      sortAll(button.textContent, descending);
    });
    cell.replaceChildren(button);
  }
  const sort = state.get("sort");
  if (sort) sortAll(sort.replace(/^-/, ""), sort.startsWith("-"));
}

// --- filtering: sections by suite and family, slices by N, rows by kind and tier ---

function applyFilter(form) {
  const chosen = Object.fromEntries(new FormData(form));
  const matches = (element, name) => !chosen[name] || element.dataset[name] === chosen[name];
  let rows = 0;
  for (const section of document.querySelectorAll("section.suite")) {
    const slices = [...section.querySelectorAll(".slice")];
    const slice = slices.find((one) => one.dataset.users === (chosen.users || ""));
    section.hidden = !(matches(section, "suite") && matches(section, "family") && slice);
    for (const one of slices) one.hidden = one !== slice;
    for (const row of section.querySelectorAll("tbody tr")) {
      row.hidden = !(matches(row, "kind") && matches(row, "tier"));
      if (!section.hidden && !row.hidden && slice.contains(row)) rows += 1;
    }
  }
  document.getElementById("shown").textContent = `${rows} ${rows === 1 ? "row" : "rows"} shown`;
}

function makeFilter() {
  const form = document.getElementById("filter");
  if (!form) return;
  form.hidden = false;
  for (const select of form.querySelectorAll("select")) {
    const wanted = state.get(select.name) || "";
    if ([...select.options].some((option) => option.value === wanted)) select.value = wanted;
    select.addEventListener("change", () => {
      remember(select.name, select.value);
      applyFilter(form);
    });
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  applyFilter(form);
}

// --- charts: drawn when they come into view, in the page's colours ---

function colours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  const [ink, line] = [of("--ink"), of("--line")];
  return {
    background: "transparent",
    axis: { labelColor: ink, titleColor: ink, gridColor: line, domainColor: line, tickColor: line },
    legend: { labelColor: ink, titleColor: ink },
    view: { stroke: line },
  };
}

async function draw(place) {
  const specification = JSON.parse(document.getElementById(place.dataset.specification).textContent);
  const title = place.closest("figure").querySelector("figcaption").textContent;
  specification.description = title;
  specification.config = { ...specification.config, ...colours() };
  place.replaceChildren();
  await window.vegaEmbed(place, specification, { actions: false, renderer: "svg" });
}

function makeCharts() {
  const places = [...document.querySelectorAll(".chart")];
  if (!places.length || !window.vegaEmbed) return;
  const drawn = new Set();
  const watcher = new IntersectionObserver((seen) => {
    for (const entry of seen) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      drawn.add(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "400px" });
  places.forEach((place) => watcher.observe(place));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach(draw));
}

makeSortable();
makeFilter();
makeCharts();

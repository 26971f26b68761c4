// Sorting, filtering and charts of the leaderboard's pages. Everything works on the tables as they stand:
// no number is computed here, so that the page cannot disagree with the files that it was made from.
// The sort and the filter live in the address, after the #, which works from disk too.
"use strict";

let state = new URLSearchParams(location.hash.slice(1));

function remember(name, value) {
  if (value) state.set(name, value);
  else state.delete(name);
  const address = state.toString();
  history.replaceState(null, "", address ? `#${address}` : location.pathname + location.search);
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

function sortTable(table, column, descending) {
  const headers = [...table.tHead.rows[0].cells];
  const numeric = headers[column].classList.contains("n");
  const rows = [...table.tBodies[0].rows].map((row, index) => ({ row, index, key: keyOf(row, column) }));
  rows.sort((a, b) => {
    // Cells without a number stand last, whichever way a column of numbers is sorted.
    const missing = numeric ? (typeof a.key !== "number") - (typeof b.key !== "number") : 0;
    return missing || (descending ? order(b.key, a.key) : order(a.key, b.key)) || a.index - b.index;
  });
  table.tBodies[0].append(...rows.map((entry) => entry.row));
  headers.forEach((cell, index) => {
    if (index === column) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  });
}

function titleOf(cell) {
  return cell.textContent.trim();
}

function sortBy(tables, title, descending) {
  for (const table of tables) {
    const column = [...table.tHead.rows[0].cells].findIndex((cell) => titleOf(cell) === title);
    if (column >= 0) sortTable(table, column, descending);
  }
}

function mainTables() {
  return document.querySelectorAll("table.main");
}

function restoreSort() {
  const sort = state.get("sort");
  if (sort) sortBy(mainTables(), sort.replace(/^-/, ""), sort.startsWith("-"));
}

function makeSortable() {
  for (const cell of document.querySelectorAll("table.sortable thead th")) {
    const table = cell.closest("table");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = titleOf(cell);
    button.addEventListener("click", () => {
      const descending = cell.getAttribute("aria-sort") === "ascending";
      if (!table.classList.contains("main")) return sortBy([table], titleOf(cell), descending);
      remember("sort", (descending ? "-" : "") + titleOf(cell));
      sortBy(mainTables(), titleOf(cell), descending);
    });
    cell.replaceChildren(button);
  }
}

// --- filtering: sections by suite and family, slices by N, rows by kind and tier ---

function sliceFor(section, users) {
  const slices = [...section.querySelectorAll(".slice")];
  // A suite with one number of users has no slice of its own for it: the whole is it.
  return slices.find((one) => one.dataset.users === users) || (section.dataset.users === users && slices[0]);
}

function applyFilter(form) {
  const chosen = Object.fromEntries(new FormData(form));
  const matches = (element, name) => !chosen[name] || element.dataset[name] === chosen[name];
  let rows = 0;
  for (const section of document.querySelectorAll("section.suite")) {
    const slice = sliceFor(section, chosen.users || "");
    section.hidden = !(matches(section, "suite") && matches(section, "family") && slice);
    for (const one of section.querySelectorAll(".slice")) one.hidden = one !== slice;
    for (const row of section.querySelectorAll(".slice tbody tr")) {
      row.hidden = !(matches(row, "kind") && matches(row, "tier"));
      if (!section.hidden && !row.hidden && slice.contains(row)) rows += 1;
    }
  }
  document.getElementById("shown").textContent = `${rows} ${rows === 1 ? "row" : "rows"} shown`;
  form.querySelector("[type=reset]").disabled = Object.values(chosen).every((value) => !value);
}

function restoreFilter() {
  const form = document.getElementById("filter");
  if (!form) return;
  for (const select of form.querySelectorAll("select")) {
    const wanted = state.get(select.name) || "";
    select.value = [...select.options].some((option) => option.value === wanted) ? wanted : "";
  }
  applyFilter(form);
}

function makeFilter() {
  const form = document.getElementById("filter");
  if (!form) return;
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    remember(event.target.name, event.target.value);
    applyFilter(form);
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    for (const name of [...state.keys()]) if (name !== "sort") remember(name, "");
    restoreFilter();
    form.querySelector("select").focus();
  });
}

function restore() {
  restoreSort();
  restoreFilter();
}

function makeSkippable() {
  // The link would put its own target where the address keeps the sort and the filter.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
}

// --- charts: drawn when they come near, in the page's colours, as wide as their place ---

const views = new Map();

function theme() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  const [ink, quiet, line] = [of("--ink"), of("--quiet"), of("--line")];
  const series = of("--series");
  return {
    background: "transparent",
    font: getComputedStyle(document.body).fontFamily,
    axis: { labelColor: quiet, titleColor: quiet, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 12, titleFontSize: 12 },
    legend: { labelColor: ink, titleColor: ink, labelFontSize: 12 },
    title: { color: quiet, fontSize: 12 },
    view: { stroke: null },
    ...(series ? { range: { category: series.split(/\s+/) } } : {}),
  };
}

function merged(config, own) {
  const found = { ...config };
  for (const [name, value] of Object.entries(own)) {
    const both = value && typeof value === "object" && typeof found[name] === "object";
    found[name] = both ? { ...found[name], ...value } : value;
  }
  return found;
}

async function draw(place) {
  views.get(place)?.finalize();
  const specification = JSON.parse(document.getElementById(place.dataset.specification).textContent);
  specification.config = merged(specification.config, theme());
  specification.config.legend.columns = place.clientWidth < 480 ? 1 : 2;
  specification.config.axisY.labelLimit = Math.min(240, place.clientWidth * 0.4);
  specification.width = "container";
  place.replaceChildren();
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", place.closest("figure").querySelector("figcaption").textContent);
  // Expressions are interpreted and no style is injected: the page's policy allows neither.
  const options = {
    actions: false, renderer: "svg", ast: true, defaultStyle: false, tooltip: { disableDefaultStyle: true },
  };
  views.set(place, await window.vegaEmbed(place, specification, options));
  place.querySelector("svg").setAttribute("aria-hidden", "true"); // its parts say nothing that the tables do not
}

function makeCharts() {
  const places = document.querySelectorAll(".chart");
  if (!places.length || !window.vegaEmbed) return;
  const watcher = new IntersectionObserver((seen) => {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      draw(target);
    }
  }, { rootMargin: "400px" });
  places.forEach((place) => watcher.observe(place));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => [...views.keys()].forEach(draw));
}

makeSortable();
makeFilter();
makeSkippable();
restore();
window.addEventListener("hashchange", () => {
  state = new URLSearchParams(location.hash.slice(1));
  restore();
});
document.addEventListener("DOMContentLoaded", makeCharts); // after the bundle, which is large and comes later

// The answers to several recordings as a table that can be sorted.

import { element, percent, clock } from "./dom.js";
import { labelOf } from "./answer.js";

/** Title, what a result is sorted by, what is shown of it. Failures have none but their error. */
const COLUMNS = [
  ["file", (result) => result.file, (result) => result.file],
  ["emotion", (result) => labelOf(result), (result) => labelOf(result)],
  [
    "probability",
    (result) => result.confidence ?? -1,
    (result) => (result.confidence === null ? "" : percent(result.confidence)),
  ],
  ["duration", (result) => result.duration, (result) => clock(result.duration, 1)],
  [
    "warnings",
    (result) => result.warnings.length,
    (result) => result.warnings.join("; "),
  ],
];

/**
 * Return a table of results.
 *
 * @param {object[]} results Of `predict --format json` for a folder, failures included.
 * @param {(index: number) => void} onChoose Gets the place in `results` of the one that is wanted.
 */
export function resultTable(results, onChoose) {
  const order = { column: null, falling: false };
  const body = element("tbody");
  const heads = COLUMNS.map(([title], column) => {
    const button = element("button", { type: "button", onclick: () => sortBy(column) }, title);
    return element("th", { scope: "col", "aria-sort": "none" }, button);
  });

  function sortBy(column) {
    order.falling = order.column === column && !order.falling;
    order.column = column;
    heads.forEach((head, n) => {
      const way = order.falling ? "descending" : "ascending";
      head.setAttribute("aria-sort", n === column ? way : "none");
    });
    fill();
  }

  function fill() {
    const rows = results.map((result, index) => ({ result, index }));
    if (order.column !== null) rows.sort((one, other) => compare(one.result, other.result, order));
    body.replaceChildren(...rows.map(({ result, index }) => _row(result, () => onChoose(index))));
  }

  fill();
  const caption = element("caption", {}, `${results.length} recordings; choose one for its answer`);
  const head = element("thead", {}, element("tr", {}, ...heads));
  const table = element("table", { className: "results" }, caption, head, body);
  return element(
    "div",
    { className: "wide", tabIndex: 0, role: "region", "aria-label": "Answers to the recordings" },
    table,
  );
}

/** Order two results by a column; those that failed come last either way. */
export function compare(one, other, { column, falling }) {
  const key = COLUMNS[column][1];
  if (column !== 0 && ("error" in one || "error" in other)) {
    return Number("error" in one) - Number("error" in other);
  }
  const [first, second] = [key(one), key(other)];
  const way = falling ? -1 : 1;
  if (typeof first === "string") return way * first.localeCompare(second, undefined, { numeric: true });
  return way * (first - second);
}

function _row(result, choose) {
  if ("error" in result) {
    const rest = { colSpan: COLUMNS.length - 1, className: "error" };
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, result.file),
      element("td", rest, `no label: ${result.error}`),
    );
  }
  const [first, ...others] = COLUMNS.map(([, , show]) => show(result));
  const button = element("button", { type: "button", className: "link", onclick: choose }, first);
  const row = element(
    "tr",
    { className: "choosable" },
    element("th", { scope: "row" }, button),
    ...others.map((text) => element("td", {}, text)),
  );
  row.addEventListener("click", (event) => {
    if (!event.target.closest("button")) choose();
  });
  return row;
}

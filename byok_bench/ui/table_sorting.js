// A head of a table that sorts its lines: pressed once the smallest first, again the largest; NA is always last.
function sortTable(event) {
  const button = event.target.closest?.(".byok-sort");
  if (!button || event.hasSorted) return; // a drawer of an earlier kernel may listen, too
  event.hasSorted = true;
  const head = button.closest("th");
  const body = head.closest("table").tBodies[0];
  const at = head.cellIndex;
  const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
  const read = (line) => {
    const text = line.cells[at].textContent.trim();
    const found = text.match(/^-?\d+(\.\d+)?/);
    return { text, number: found ? Number(found[0]) : null, missing: text === "NA" || text === "–" || text === "" };
  };
  const compare = (one, other) => {
    if (one.missing || other.missing) return one.missing - other.missing;
    if (one.number !== null && other.number !== null) return sign * (one.number - other.number);
    return sign * one.text.localeCompare(other.text);
  };
  const lines = [...body.rows].map((line) => ({ line, cell: read(line) }));
  body.append(...lines.sort((one, other) => compare(one.cell, other.cell)).map(({ line }) => line));
  for (const again of body.querySelectorAll(".byok-again")) again.style.opacity = 1; // no longer below its like
}

// What a timeline is made of: controls, canvases, tables. Nothing in here knows what goes on.
const KEYS = [
  ["f", "fit"], ["j k", "next, previous finding"], ["+ −", "zoom"], ["← →", "pan"], ["↑ ↓", "another answer"],
  ["Enter", "open it"], ["Space", "race, pause"], ["r", "race from the start"], ["s", "statistics of what is in view"],
  ["Esc", "leave race and selection"],
];
const SHORTCUTS = "f j k + - ArrowLeft ArrowRight ArrowUp ArrowDown Enter Space r s Escape";
const POINTER = "Drag for statistics; Shift and drag, or Shift and wheel, to pan; Ctrl and wheel to zoom; a click opens the answer at the byte. In a race the number behind an answer is the deltas so far, in brackets against the ghost.";
const SPEEDS = [[0.1, "0.1×"], [1, "1×"], [4, "4×"]];

function build(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function buildButton(text, hint) {
  return build("button", { type: "button", title: hint }, text);
}

function offerChoices(select, pairs, value) {
  select.replaceChildren(...pairs.map(([value, text]) => build("option", { value }, text)));
  select.value = value;
}

function buildTable(heads, rows, label) {
  const head = build("tr", {}, ...heads.map((text) => build("th", { scope: "col" }, text)));
  const lines = rows.map(([name, ...cells]) => build("tr", {}, build("th", { scope: "row" }, name), ...cells.map((text) => build("td", {}, text))));
  return build("table", { "aria-label": label }, build("thead", {}, head), build("tbody", {}, ...lines));
}

function buildLegend(columns, hues, words) {
  const used = new Set(columns.spans.flat().map(([kind]) => kind));
  return Object.entries(hues).flatMap(([kind, hue], at) =>
    used.has(at) ? [build("li", {}, build("span", { style: `background: ${hue}` }), words[kind])] : []);
}

function buildRegion(name, label) {
  return build("div", { class: `byok-race-${name}`, tabindex: "0", role: "region", "aria-label": label });
}

function buildParts() {
  const about = build("p", { class: "byok-race-about", id: `byok-race-${Math.random().toString(36).slice(2)}` });
  const map = build("canvas", { "aria-hidden": "true" });
  const window = build("div", { class: "byok-race-window" });
  return {
    about, map, window,
    prompt: build("select"),
    speed: build("select"),
    ghost: build("select"),
    play: buildButton("▶ Race", "Space"),
    leave: buildButton("End race", "Esc"),
    before: buildButton("‹ Finding", "k"),
    next: buildButton("Finding ›", "j"),
    fit: buildButton("Fit", "f"),
    seek: build("input", { type: "range", min: 0, step: 1, "aria-label": "Time in the race" }),
    clock: build("output"),
    mapBox: build("div", { class: "byok-race-map" }, map, window),
    axis: build("canvas", { "aria-hidden": "true" }),
    lanes: build("canvas", { tabindex: "0", role: "application", "aria-roledescription": "timeline", "aria-describedby": about.id, "aria-keyshortcuts": SHORTCUTS, class: "byok-race-lanes" }),
    names: build("div", { class: "byok-race-names", "aria-hidden": "true" }),
    ends: build("div", { class: "byok-race-ends", "aria-hidden": "true" }),
    pointed: build("div", { class: "byok-race-pointed" }),
    status: build("div", { role: "status", class: "byok-race-status" }),
    statistics: buildRegion("statistics", "Statistics of the selection"),
    legend: build("ul", { class: "byok-race-legend" }),
    summary: buildRegion("summary", "Answers as a table"),
  };
}

// The parts in their order, below each other.
function placeParts(el, parts) {
  const label = (text, control) => build("label", {}, text, control);
  const keys = KEYS.flatMap(([key, means]) => [build("kbd", {}, key), ` ${means} · `]);
  parts.grid = build("div", { class: "byok-race-grid" }, build("span"), parts.mapBox, build("span"), build("span"), parts.axis, build("span"), parts.names, parts.lanes, parts.ends);
  el.classList.add("byok-race");
  el.append(
    build("div", { class: "byok-race-bar" }, label("Prompt", parts.prompt), parts.before, parts.next, parts.fit),
    build("div", { class: "byok-race-bar" }, parts.play, label("Speed", parts.speed), label("Ghost", parts.ghost), parts.seek, parts.clock, parts.leave),
    parts.about, parts.grid, parts.pointed, parts.status, parts.statistics, parts.legend,
    build("details", {}, build("summary", {}, "Answers as a table"), parts.summary),
    build("details", {}, build("summary", {}, "Keys"), build("p", {}, ...keys, POINTER)),
  );
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// The live board: a table of cells, in each a square an answer. One stop of the Tab key, arrows between squares.
const MOST = 40; // squares of a cell; of more, one stands for several and shows the worst of them
const WORST = "xfrg.-";

function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function group(marks) {
  const size = Math.max(1, Math.ceil(marks.length / MOST));
  const groups = [];
  for (let at = 0; at < marks.length; at += size) {
    const some = [...marks.slice(at, at + size)];
    const worst = some.reduce((a, b) => (WORST.indexOf(b) < WORST.indexOf(a) ? b : a));
    groups.push({ mark: worst, first: at, last: at + some.length - 1, square: at + some.indexOf(worst) });
  }
  return groups;
}

function render({ model, el }) {
  const bar = make("progress", "byok-board-bar");
  const status = make("div", "byok-board-status");
  const heard = make("div", "byok-board-heard");
  const table = make("table", "byok-board-table");
  const legend = make("div", "byok-board-legend");
  el.classList.add("byok-board");
  bar.setAttribute("aria-label", "Progress");
  heard.setAttribute("role", "status");
  table.setAttribute("aria-label", "Answers by endpoint and scenario");
  for (const [mark, word] of Object.entries(model.get("words"))) {
    const square = make("span", "byok-square");
    square.dataset.mark = mark;
    const entry = make("span", "", word);
    entry.prepend(square);
    legend.append(entry);
  }
  el.append(bar, status, heard, table, legend);
  let shape = "";
  let cells = [];

  const build = () => {
    const head = make("tr");
    const corner = make("th", "", "endpoint");
    corner.scope = "col";
    head.append(corner);
    for (const [name, title] of model.get("scenarios")) {
      const cell = make("th", "", name);
      cell.scope = "col";
      cell.title = title;
      head.append(cell);
    }
    const rows = model.get("targets").map((target, line) => {
      const row = make("tr");
      const name = make("th", "", target);
      name.scope = "row";
      name.title = target;
      row.append(name);
      cells[line] = model.get("scenarios").map(() => {
        const cell = make("td");
        cell.append(make("span", "byok-squares"), make("span", "byok-board-median"));
        row.append(cell);
        return cell;
      });
      return row;
    });
    const top = make("thead");
    top.append(head);
    const body = make("tbody");
    body.append(...rows);
    table.replaceChildren(top, body);
  };
  const fill = () => {
    const targets = model.get("targets");
    const scenarios = model.get("scenarios");
    const wanted = JSON.stringify([targets, scenarios]);
    if (wanted !== shape) {
      shape = wanted;
      cells = [];
      build();
    }
    el.hidden = targets.length === 0;
    bar.max = Math.max(model.get("samples"), 1);
    bar.value = model.get("done");
    status.textContent = model.get("status");
    heard.textContent = model.get("said");
    model.get("squares").forEach((line, at) => line.forEach((marks, column) => fillCell(at, column, marks)));
    const squares = [...table.querySelectorAll("button")];
    if (squares.length && !squares.some((square) => square.tabIndex === 0)) squares[0].tabIndex = 0;
  };
  const fillCell = (line, column, marks) => {
    const [squares, median] = cells[line][column].children;
    const groups = group(marks);
    while (squares.children.length > groups.length) squares.lastChild.remove();
    groups.forEach(({ mark, first, last, square }, at) => {
      let button = squares.children[at];
      if (!button) {
        button = make("button", "byok-square");
        button.type = "button";
        button.tabIndex = -1;
        squares.append(button);
      }
      if (button.dataset.mark === mark && button.dataset.square === String(square)) return;
      const numbers = first === last ? `answer ${first + 1}` : `answers ${first + 1} to ${last + 1}`;
      const said = `${model.get("targets")[line]}, ${model.get("scenarios")[column][0]}, ${numbers}: ${model.get("words")[mark]}`;
      Object.assign(button.dataset, { mark, square, line, column });
      button.title = said;
      button.setAttribute("aria-label", said);
    });
    const text = model.get("medians")[line]?.[column] ?? "";
    median.textContent = text && `${text} ms`;
  };

  table.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { line, column, square } = button.dataset;
    model.send({ kind: "open", target: Number(line), scenario: Number(column), square: Number(square) });
  });
  table.addEventListener("focusin", (event) => {
    for (const one of table.querySelectorAll("button[tabindex='0']")) one.tabIndex = -1;
    event.target.tabIndex = 0;
  });
  table.addEventListener("keydown", (event) => {
    const squares = [...table.querySelectorAll("button")];
    const at = squares.indexOf(event.target);
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const down = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    let to;
    if (side !== undefined) to = squares[at + side];
    else if (down !== undefined) {
      const { line, column } = event.target.dataset;
      to = cells[Number(line) + down]?.[column]?.querySelector("button");
    } else if (event.key === "f" || event.key === "x") {
      const order = [...squares.slice(at + 1), ...squares.slice(0, at + 1)];
      to = order.find((one) => one.dataset.mark === event.key);
    } else {
      if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    to?.focus();
  });
  fill();
  // All that came in one message is drawn at once.
  let drawing = false;
  model.on("change", () => {
    if (drawing) return;
    drawing = true;
    requestAnimationFrame(() => {
      drawing = false;
      fill();
    });
  });
}

export default { render };

// A list of check boxes: a filter above, headings between groups, one stop of the Tab key, arrows within.
function make(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function render({ model, el }) {
  const id = `byok-ticks-${Math.random().toString(36).slice(2)}`;
  const title = make("div", "byok-ticks-title");
  const count = make("span", "byok-ticks-count");
  const every = make("button", "byok-ticks-all");
  const filter = make("input", "byok-ticks-filter");
  const list = make("div", "byok-ticks-list");
  const name = make("span", "");

  el.classList.add("byok-ticks");
  title.id = id;
  title.append(name, count, every);
  every.type = "button";
  filter.type = "search";
  filter.placeholder = "Filter";
  count.setAttribute("role", "status");
  list.setAttribute("role", "group");
  list.setAttribute("aria-labelledby", id);
  el.append(title, filter, list);
  el.addEventListener("keydown", (event) => event.ctrlKey || event.metaKey || event.altKey || event.stopPropagation());

  const boxes = () => [...list.querySelectorAll("input:not(:disabled)")].filter((box) => !box.closest("[hidden]"));
  const showCount = () => {
    const ticked = model.get("ticked");
    count.textContent = ` ${ticked.length} of ${model.get("items").length}`;
    const visible = boxes();
    const all = visible.length > 0 && visible.every((box) => box.checked);
    every.textContent = all ? "none" : "all";
    every.setAttribute("aria-label", `${model.get("label")}: ${all ? "none" : "all"}`);
  };
  const setStop = (box) => {
    for (const one of list.querySelectorAll("input")) one.tabIndex = -1;
    if (box) box.tabIndex = 0;
  };
  const show = () => {
    const wanted = filter.value.trim().toLowerCase();
    for (const row of list.querySelectorAll("label")) row.hidden = !row.dataset.words.includes(wanted);
    for (const head of list.querySelectorAll(".byok-ticks-group"))
      head.hidden = ![...list.querySelectorAll("label")].some((row) => row.dataset.group === head.textContent && !row.hidden);
    const visible = boxes();
    if (!visible.some((box) => box.tabIndex === 0)) setStop(visible[0]);
    showCount();
  };
  const enter = () => {
    const ticked = new Set([...list.querySelectorAll("input:checked")].map((box) => box.value));
    model.set("ticked", model.get("items").map((item) => item.id).filter((one) => ticked.has(one)));
    model.save_changes();
  };
  const build = () => {
    const ticked = new Set(model.get("ticked"));
    const focused = list.contains(document.activeElement) ? document.activeElement.value : null;
    const rows = [];
    let group = "";
    for (const item of model.get("items")) {
      if (item.group !== group) rows.push(make("div", "byok-ticks-group", item.group));
      group = item.group;
      const row = make("label", "byok-ticks-row");
      const box = make("input");
      Object.assign(box, { type: "checkbox", value: item.id, checked: ticked.has(item.id), disabled: item.disabled, tabIndex: -1 });
      row.append(box, make("span", "byok-ticks-text", item.text), make("span", "byok-ticks-note", item.note));
      row.title = item.hint;
      row.dataset.group = item.group;
      row.dataset.words = `${item.text} ${item.note} ${item.group} ${item.hint}`.toLowerCase();
      rows.push(row);
    }
    list.replaceChildren(...rows);
    name.textContent = model.get("label");
    filter.setAttribute("aria-label", `Filter ${model.get("label")}`);
    filter.hidden = rows.length < model.get("filter_from");
    if (filter.hidden) filter.value = "";
    show();
    const again = boxes().find((box) => box.value === focused);
    if (again) {
      setStop(again);
      again.focus();
    }
  };
  const showTicked = () => {
    const ticked = new Set(model.get("ticked"));
    for (const box of list.querySelectorAll("input")) box.checked = ticked.has(box.value);
    showCount();
  };
  const showHidden = () => el.classList.toggle("byok-hidden", model.get("hidden"));

  filter.addEventListener("input", show);
  filter.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") boxes()[0]?.focus();
    else if (event.key === "Escape") {
      filter.value = "";
      show();
    }
  });
  every.addEventListener("click", () => {
    const visible = boxes();
    const all = visible.every((box) => box.checked);
    for (const box of visible) box.checked = !all;
    enter();
    showCount();
  });
  list.addEventListener("change", enter);
  list.addEventListener("focusin", (event) => setStop(event.target));
  list.addEventListener("keydown", (event) => {
    const visible = boxes();
    const at = visible.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: visible.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    visible[Math.max(0, Math.min(to, visible.length - 1))]?.focus();
  });
  build();
  showHidden();
  model.on("change:items change:label", build);
  model.on("change:ticked", showTicked);
  model.on("change:hidden", showHidden);
}

export default { render };

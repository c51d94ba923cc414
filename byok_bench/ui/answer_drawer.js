// The drawer, and the sorting of tables, which needs a script that is there for the whole page. It listens for clicks on links to answers anywhere in the page, asks the kernel for one, and shows the
// sections that come back, rendered. Esc goes back to the link, up and down to the other answers of the same link.
function make(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function initialize({ model }) {
  const id = `byok-drawer-${Math.random().toString(36).slice(2)}`;
  const heading = make("h2", { id: `${id}-title` });
  const close = make("button", { type: "button", "aria-label": "Close (Esc)" }, "✕");
  const tabs = make("div", { role: "tablist", "aria-label": "Parts of the answer" });
  const body = make("div", { role: "tabpanel", tabindex: "0", id: `${id}-panel` });
  const place = make("span", { role: "status" });
  const before = make("button", { type: "button" }, "↑ Previous");
  const next = make("button", { type: "button" }, "↓ Next");
  const copy = make("button", { type: "button" }, "Copy as curl");
  const save = make("button", { type: "button" }, "Save bytes");
  const panel = make("div", { class: "byok-drawer", role: "dialog", "aria-labelledby": heading.id, "data-lm-suppress-shortcuts": "true" },
    make("div", { class: "byok-drawer-head" }, heading, close), tabs, body, make("div", { class: "byok-drawer-foot" }, place, before, next, copy, save));
  let shown = null;
  let opener = null;
  let section = "what";

  const ask = (message) => model.send(message);
  const openAt = (at) => {
    if (shown && at >= 0 && at < shown.answers.length) ask({ kind: "open", run: shown.run, answers: shown.answers, at });
  };
  const hide = () => {
    panel.remove();
    shown = null;
    opener?.focus();
    opener = null;
  };
  const select = (name) => {
    section = name;
    for (const tab of tabs.children) {
      const mine = tab.dataset.section === name;
      tab.setAttribute("aria-selected", String(mine));
      tab.tabIndex = mine ? 0 : -1;
      if (mine) body.setAttribute("aria-labelledby", tab.id);
    }
    body.innerHTML = shown.sections[name];
    body.scrollTop = 0;
    for (const flag of body.querySelectorAll(".byok-flag")) {
      const rule = make("button", { type: "button", "data-rule": flag.dataset.check }, "Open rule");
      const bytes = make("button", { type: "button", "data-offset": flag.dataset.byte }, "Show bytes");
      flag.append(rule, ...(flag.dataset.byte === undefined ? [] : [" ", bytes]));
    }
  };
  const showByte = (offset) => {
    select("bytes");
    const pieces = [...body.querySelectorAll(".byok-piece")].filter((piece) => Number(piece.dataset.offset) <= offset);
    const piece = pieces.at(-1);
    piece?.focus();
    piece?.scrollIntoView({ block: "center" });
  };
  const show = (content) => {
    const first = shown === null;
    if (first && !opener?.isConnected) opener = document.activeElement;
    shown = content;
    heading.innerHTML = content.title;
    tabs.replaceChildren(
      ...Object.entries(content.titles).filter(([name]) => content.sections[name]).map(([name, title]) =>
        make("button", { type: "button", role: "tab", id: `${id}-${name}`, "data-section": name, "aria-controls": body.id }, title)),
    );
    place.textContent = `${content.at + 1} of ${content.answers.length}`;
    before.setAttribute("aria-disabled", String(content.at === 0));
    next.setAttribute("aria-disabled", String(content.at === content.answers.length - 1));
    copy.hidden = save.hidden = !content.curl;
    copy.textContent = "Copy as curl";
    if (!panel.isConnected) document.body.append(panel);
    select(content.sections[section] ? section : "what");
    if (content.offset !== null && first) showByte(content.offset);
    else if (first || !panel.contains(document.activeElement)) tabs.querySelector("[aria-selected=true]").focus();
  };
  const saveBytes = (name, buffer) => {
    const link = make("a", { download: name, href: URL.createObjectURL(new Blob([buffer])) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  const showRule = (content) => {
    const button = body.querySelector(`[data-rule="${CSS.escape(content.check)}"]`);
    button?.replaceWith(make("pre", {}, content.text));
  };
  const copyCurl = async () => {
    try {
      await navigator.clipboard.writeText(shown.curl);
      copy.textContent = "Copied";
    } catch {
      select("request");
      body.querySelector("details").open = true;
    }
  };

  const openLink = (event) => {
    const link = event.target.closest?.("[data-byok-answers]");
    if (!link) return;
    event.preventDefault();
    opener = link;
    shown = null;
    section = "what";
    const answers = link.dataset.byokAnswers.split(" ").map(Number);
    ask({ kind: "open", run: link.dataset.byokRun, answers, at: 0, check: link.dataset.byokCheck ?? "" });
  };
  document.addEventListener("click", openLink);
  document.addEventListener("click", sortTable);

  panel.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    const rule = event.target.closest("[data-rule]");
    const offset = event.target.closest("[data-offset]");
    if (tab) select(tab.dataset.section);
    else if (rule) ask({ kind: "rule", check: rule.dataset.rule });
    else if (offset && section !== "bytes") showByte(Number(offset.dataset.offset));
  });
  panel.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") hide();
    else if (step !== undefined) openAt(shown.at + step);
    else if (side !== undefined && event.target.closest("[role=tab]")) {
      const every = [...tabs.children];
      const to = every[(every.indexOf(event.target) + side + every.length) % every.length];
      select(to.dataset.section);
      to.focus();
    } else return;
    event.preventDefault();
  });
  close.addEventListener("click", hide);
  before.addEventListener("click", () => openAt(shown.at - 1));
  next.addEventListener("click", () => openAt(shown.at + 1));
  copy.addEventListener("click", copyCurl);
  save.addEventListener("click", () => ask({ kind: "save", run: shown.run, answer: shown.answer }));
  model.on("msg:custom", (content, buffers) => {
    if (content.kind === "answer") show(content);
    else if (content.kind === "bytes") saveBytes(content.name, buffers[0]);
    else if (content.kind === "rule") showRule(content);
  });
  return () => {
    document.removeEventListener("click", openLink);
    document.removeEventListener("click", sortTable);
    panel.remove();
  };
}

export default { initialize };

// A button that keeps the focus while it is disabled, and says whether what it opens is open.
function render({ model, el }) {
  const button = document.createElement("button");
  button.type = "button";
  el.classList.add("byok-action");
  el.append(button);

  const show = () => {
    const expanded = model.get("expanded");
    button.textContent = model.get("text");
    button.title = model.get("hint");
    button.dataset.tone = model.get("tone");
    button.setAttribute("aria-disabled", String(model.get("disabled")));
    if (expanded === null) button.removeAttribute("aria-expanded");
    else button.setAttribute("aria-expanded", String(expanded));
    el.classList.toggle("byok-hidden", model.get("hidden"));
  };
  show();
  model.on("change", show);

  button.addEventListener("click", () => model.get("disabled") || model.send({ kind: "press" }));
  // Enter and Space are the button's; JupyterLab's command-mode shortcuts must not see them.
  button.addEventListener("keydown", (event) => ["Enter", " "].includes(event.key) && event.stopPropagation());
  // At the window, before JupyterLab sees the key: there Ctrl+Enter runs the cell.
  const hear = (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key !== model.get("hotkey")) return;
    const scopes = [...document.querySelectorAll(`.${model.get("scope")}`)];
    if (!scopes.some((scope) => scope.contains(event.target) && scope.contains(el))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!model.get("disabled")) model.send({ kind: "press" });
  };
  if (model.get("hotkey")) window.addEventListener("keydown", hear, true);
  model.on("msg:custom", (content) => content.kind === "focus" && setTimeout(() => button.focus(), 0));
  return () => window.removeEventListener("keydown", hear, true);
}

export default { render };

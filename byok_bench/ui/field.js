// One labelled input: text, area, secret or choice. `draft` follows typing, `value` is set on blur and Enter,
// a secret goes out as a message and is emptied at once.
const INPUTS = { text: "input", secret: "input", area: "textarea", choice: "select" };

function render({ model, el }) {
  const kind = model.get("kind");
  // Random, not counted: each widget loads a copy of this module, so a counter would give two fields one id.
  const id = `byok-field-${Math.random().toString(36).slice(2)}`;
  const label = document.createElement("label");
  const input = document.createElement(INPUTS[kind]);
  const note = document.createElement("div");
  const list = document.createElement("datalist");

  el.classList.add("byok-field");
  label.htmlFor = input.id = id;
  note.id = `${id}-note`;
  list.id = `${id}-list`;
  note.className = "byok-note";
  note.setAttribute("aria-live", "polite");
  input.setAttribute("aria-describedby", note.id);
  if (kind === "text" || kind === "secret") {
    input.type = kind === "secret" ? "password" : "text";
    input.autocomplete = kind === "secret" ? "new-password" : "off";
  }
  input.spellcheck = false;
  el.append(label, input, list, note);

  const show = () => {
    label.textContent = model.get("label");
    input.placeholder = model.get("placeholder");
    input.disabled = model.get("disabled");
    note.textContent = model.get("note");
    note.dataset.tone = model.get("tone");
    el.classList.toggle("byok-hidden", model.get("hidden"));
    input.setAttribute("aria-invalid", String(model.get("tone") === "bad"));
  };
  show();
  model.on("change:label change:placeholder change:note change:tone change:disabled change:hidden", show);

  // JupyterLab's command-mode shortcuts must not see what is typed into a form; Ctrl+S still saves.
  input.addEventListener("keydown", (event) => event.ctrlKey || event.metaKey || event.altKey || event.stopPropagation());

  // Esc gives up what was typed: a field shows again what is saved, a key is gone.
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || kind === "choice") return;
    input.value = kind === "secret" ? "" : model.get("value");
    if (!model.get("follow")) return;
    model.set("draft", input.value);
    model.save_changes();
  });
  model.on("msg:custom", (content) => {
    if (content.kind !== "focus") return;
    setTimeout(() => {
      input.focus();
      if (kind === "text") input.select();
    }, 0);
  });

  if (kind === "secret") {
    const leave = () => {
      const text = input.value;
      input.value = "";
      if (text) model.send({ kind: "entered", text });
    };
    input.addEventListener("blur", leave);
    input.addEventListener("keydown", (event) => event.key === "Enter" && leave());
    return;
  }

  const showOptions = () => {
    const options = model.get("options").map(([value, text, greyed]) =>
      Object.assign(document.createElement("option"), { value, text, className: greyed ? "byok-greyed" : "" }),
    );
    if (kind === "choice") {
      input.replaceChildren(...options);
      input.size = model.get("rows");
      input.value = model.get("value");
    } else {
      // Suggestions only: what stands in the input, typed or not, is left alone.
      list.replaceChildren(...options);
      if (options.length) input.setAttribute("list", list.id);
      else input.removeAttribute("list");
    }
  };
  if (kind === "area") input.rows = model.get("rows");
  input.value = model.get("value");
  showOptions();
  model.on("change:options", showOptions);
  model.on("change:value", () => {
    input.value = model.get("value");
  });
  const commit = () => {
    if (model.get("value") === input.value) return;
    if (model.get("follow")) model.set("draft", input.value);
    model.set("value", input.value);
    model.save_changes();
  };
  if (kind === "choice") {
    input.addEventListener("change", commit);
    return;
  }
  // Only where it is asked for: what is typed into a field becomes part of the saved notebook.
  if (model.get("follow"))
    input.addEventListener("input", () => {
      model.set("draft", input.value);
      model.save_changes();
    });
  input.addEventListener("blur", commit);
  if (kind === "text") input.addEventListener("keydown", (event) => event.key === "Enter" && commit());
}

export default { render };

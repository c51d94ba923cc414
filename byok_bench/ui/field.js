// One labelled input. `draft` follows typing, `value` is set on blur and Enter, a secret goes out as a message.
let serial = 0;

function render({ model, el }) {
  const secret = Boolean(model.get("secret"));
  const id = `byok-field-${Date.now().toString(36)}-${serial++}`;
  const label = document.createElement("label");
  const input = document.createElement("input");
  const note = document.createElement("div");
  const list = document.createElement("datalist");

  el.classList.add("byok-field");
  label.htmlFor = input.id = id;
  note.id = `${id}-note`;
  list.id = `${id}-list`;
  note.className = "byok-note";
  note.setAttribute("aria-live", "polite");
  input.setAttribute("aria-describedby", note.id);
  input.type = secret ? "password" : "text";
  input.autocomplete = secret ? "new-password" : "off";
  input.spellcheck = false;
  el.append(label, input, list, note);

  const show = () => {
    label.textContent = model.get("label");
    input.placeholder = model.get("placeholder");
    input.disabled = model.get("disabled");
    note.textContent = model.get("note");
    note.dataset.tone = model.get("tone");
    input.setAttribute("aria-invalid", String(model.get("tone") === "bad"));
  };
  const showOptions = () => {
    const options = model.get("options") || [];
    list.replaceChildren(...options.map((text) => Object.assign(document.createElement("option"), { value: text })));
    if (options.length) input.setAttribute("list", list.id);
    else input.removeAttribute("list");
  };
  show();
  model.on("change:label change:placeholder change:note change:tone change:disabled", show);

  if (secret) {
    const leave = () => {
      const text = input.value;
      input.value = "";
      if (text) model.send({ kind: "entered", text });
    };
    input.addEventListener("blur", leave);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") leave();
      event.stopPropagation();
    });
    return;
  }

  input.value = model.get("value");
  showOptions();
  model.on("change:options", showOptions);
  model.on("change:value", () => {
    // Not while somebody types here: the kernel's echo of an older value must not overtake the keys.
    if (document.activeElement !== input || model.get("value") !== input.value) input.value = model.get("value");
  });
  input.addEventListener("input", () => {
    model.set("draft", input.value);
    model.save_changes();
  });
  const commit = () => {
    if (model.get("value") === input.value) return;
    model.set("draft", input.value);
    model.set("value", input.value);
    model.save_changes();
  };
  input.addEventListener("blur", commit);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") commit();
    // JupyterLab's command-mode shortcuts must not see what is typed into a form.
    event.stopPropagation();
  });
}

export default { render };

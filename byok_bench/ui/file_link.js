// A link to a file that lies beside the notebook. Where a server keeps files is known to the page alone: its own address
// is that of the notebook, and what lies at the same place below /files/ is served as it is.
const NOTEBOOK = /\/(?:(?:lab|doc)(?:\/workspaces\/[^/]+)?\/tree|notebooks)\//;

function findAddress(path) {
  const beside = location.href.split(/[?#]/)[0].replace(NOTEBOOK, "/files/");
  return new URL(path.split("/").map(encodeURIComponent).join("/"), beside).href;
}

function render({ model, el }) {
  const link = document.createElement("a");
  link.target = "_blank";
  link.rel = "noopener";
  el.classList.add("byok-file");
  el.append(link);
  const show = () => {
    link.textContent = model.get("text");
    link.href = findAddress(model.get("path"));
    link.hidden = !model.get("path");
  };
  show();
  model.on("change", show);
  for (const kind of ["pointerdown", "focus"]) link.addEventListener(kind, show); // the notebook may have been renamed
}

export default { render };

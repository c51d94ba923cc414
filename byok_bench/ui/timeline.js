// The widget: a view of the model, which follows what the kernel sends, the place there is, and the theme.
function render({ model, el }) {
  const view = new TimelineView(model, el);
  const fill = () => view.fill();
  const lay = () => view.lay();
  const receive = (content) => view.receive(content);
  // The picture that stands beside it for a notebook without a kernel.
  el.append(build("style", {}, `[data-byok-picture="${model.get("token")}"] { display: none; }`));
  for (const listen of [listenToPointer, listenToWheel, listenToMap, listenToKeys, listenToControls]) listen(view);
  const resize = new ResizeObserver(lay);
  const themes = new MutationObserver(() => setTimeout(lay, 200)); // a theme's style sheet comes after its name
  const dark = matchMedia("(prefers-color-scheme: dark)");
  view.fill();
  model.on("change:revision", fill);
  model.on("msg:custom", receive);
  resize.observe(view.parts.mapBox);
  themes.observe(document.body, { attributes: true });
  dark.addEventListener("change", lay);
  return () => {
    view.race.pause();
    resize.disconnect();
    themes.disconnect();
    dark.removeEventListener("change", lay);
    model.off("change:revision", fill);
    model.off("msg:custom", receive);
  };
}

export default { render };

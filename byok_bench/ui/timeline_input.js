// Pointer, wheel, keys and controls of a timeline.
const MOVED = 4; // pixels from which a press is a drag

function listenToPointer(view) {
  const { lanes, pointed } = view.parts;
  let drag = null;
  lanes.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    lanes.focus({ preventScroll: true });
    lanes.setPointerCapture(event.pointerId);
    drag = { x: event.offsetX, y: event.offsetY, view: view.view, pans: event.shiftKey, moved: false };
    event.preventDefault();
  });
  lanes.addEventListener("pointermove", (event) => {
    if (!drag) return setText(pointed, view.describeUnder(view.findUnder(event)));
    drag.moved ||= Math.hypot(event.offsetX - drag.x, event.offsetY - drag.y) > MOVED;
    if (drag.moved) (drag.pans ? panTo : selectTo)(view, drag, event);
  });
  lanes.addEventListener("pointerup", (event) => {
    const ended = drag;
    drag = null;
    if (ended && !ended.moved) openUnder(view, event);
    else if (ended && !ended.pans) view.measure(view.selection);
  });
  lanes.addEventListener("pointercancel", () => (drag = null));
  lanes.addEventListener("pointerleave", () => (pointed.textContent = ""));
}

function panTo(view, drag, event) {
  const by = ((drag.x - event.offsetX) / view.size.width) * view.viewWidth;
  view.setView(drag.view.start + by, drag.view.end + by);
}

function selectTo(view, drag, event) {
  const [start, end] = [view.toUs(drag.x), view.toUs(event.offsetX)].sort((one, other) => one - other);
  const [first, last] = [view.toLane(drag.y), view.toLane(event.offsetY)].sort((one, other) => one - other);
  view.selection = { start, end, first, last };
  view.schedule();
}

function openUnder(view, event) {
  const { lane, flag, packet } = view.findUnder(event);
  view.flag = flag;
  view.chooseLane(lane);
  view.open(lane, flag >= 0 ? view.columns.flags[flag].offset : packet >= 0 ? view.columns.offset[packet] : null);
}

// The wheel alone scrolls the page.
function listenToWheel(view) {
  const turn = (event) => {
    const sideways = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
    if (event.ctrlKey || event.metaKey) view.zoom(event.deltaY > 0 ? 1.25 : 0.8, event.offsetX / view.size.width);
    else if (sideways) view.pan((event.deltaX || event.deltaY) / view.size.width);
    else return;
    event.preventDefault();
  };
  view.parts.lanes.addEventListener("wheel", turn, { passive: false });
}

function listenToMap(view) {
  const { mapBox } = view.parts;
  const center = (event) => {
    const share = (event.clientX - mapBox.getBoundingClientRect().left) / view.size.width;
    view.centerOn(view.columns.start + share * (view.columns.end - view.columns.start));
  };
  mapBox.addEventListener("pointerdown", (event) => {
    mapBox.setPointerCapture(event.pointerId);
    center(event);
  });
  mapBox.addEventListener("pointermove", (event) => event.buttons && center(event));
}

function listenToKeys(view) {
  const { race, parts } = view;
  const acts = {
    f: () => view.fit(), j: () => view.goToFlag(1), k: () => view.goToFlag(-1),
    "+": () => view.zoom(0.7), "=": () => view.zoom(0.7), "-": () => view.zoom(1.4), "−": () => view.zoom(1.4),
    ArrowLeft: () => view.pan(-0.1), ArrowRight: () => view.pan(0.1), ArrowUp: () => view.moveLane(-1), ArrowDown: () => view.moveLane(1),
    Home: () => view.pan(-Number.MAX_SAFE_INTEGER), End: () => view.pan(Number.MAX_SAFE_INTEGER),
    Enter: () => view.openChosen(), " ": () => race.toggle(), r: () => race.restart(), s: () => view.measureView(), Escape: () => view.leaveAll(),
  };
  view.el.addEventListener("keydown", (event) => {
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey;
    if (!hasModifier) event.stopPropagation(); // JupyterLab's command mode must not see them
    if (event.target !== parts.lanes || hasModifier || !acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });
}

function listenToControls(view) {
  const { parts, race, model } = view;
  parts.play.addEventListener("click", () => race.toggle());
  parts.leave.addEventListener("click", () => race.leave());
  parts.before.addEventListener("click", () => view.goToFlag(-1));
  parts.next.addEventListener("click", () => view.goToFlag(1));
  parts.fit.addEventListener("click", () => view.fit());
  parts.seek.addEventListener("input", () => race.seek(Number(parts.seek.value)));
  parts.speed.addEventListener("change", () => (race.speed = Number(parts.speed.value)));
  parts.names.addEventListener("click", (event) => view.open([...parts.names.children].indexOf(event.target.closest("[data-tone]"))));
  parts.ghost.addEventListener("change", () => {
    view.ghost = parts.ghost.value;
    view.schedule();
  });
  parts.prompt.addEventListener("change", () => {
    model.set("prompt", Number(parts.prompt.value));
    model.save_changes();
  });
  for (const kind of ["focus", "blur"]) parts.lanes.addEventListener(kind, () => view.schedule());
}

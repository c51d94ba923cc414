// Draws lanes into one buffer of pixels, which goes to the canvas in one piece: a frame costs its pixels, however many
// packets there are. Marks and lines come on top.
const FADED = 0.22; // of what a race has not reached
const GHOST = 0.55;
const AXIS_HEIGHT = 20; // pixels

function readColor(css) {
  const context = findContext(document.createElement("canvas"));
  context.fillStyle = css;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
}

// A canvas that gets whole images is quickest where they are made, in the memory of the page.
function findContext(canvas) {
  return canvas.getContext("2d", { willReadFrequently: true });
}

// Red, green, blue and alpha as the buffer has them: ImageData is little-endian wherever browsers run.
function packColor([red, green, blue, alpha], share = 1) {
  return ((Math.round(alpha * share) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

function readTheme(el, hues) {
  const style = getComputedStyle(el);
  const named = (name) => style.getPropertyValue(name).trim();
  const pair = (css) => {
    const color = readColor(css);
    return { full: packColor(color), faded: packColor(color, FADED), ghost: packColor(color, GHOST) };
  };
  return {
    ink: named("--r-ink"),
    soft: named("--r-soft"),
    line: named("--r-line"),
    chosen: named("--r-chosen"),
    severities: { error: named("--r-bad"), warn: named("--r-warn"), info: named("--r-soft") },
    tick: pair(named("--r-ink")),
    stall: pair(named("--r-warn")),
    stripe: packColor(readColor(named("--r-stripe"))),
    hues: hues.map(pair),
  };
}

class Raster {
  constructor(width, height) {
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    this.image = new ImageData(this.width, this.height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }
  fill(left, right, top, bottom, color) {
    const from = Math.max(0, left);
    const to = Math.min(this.width, right);
    if (to <= from) return;
    for (let y = top; y < Math.min(bottom, this.height); y++) this.pixels.fill(color, y * this.width + from, y * this.width + to);
  }
  // Up to column `edge` in one colour, behind it in the other.
  fillTo(edge, left, right, top, bottom, { full, faded }) {
    this.fill(left, Math.min(right, edge), top, bottom, full);
    this.fill(Math.max(left, edge), right, top, bottom, faded);
  }
  // A row of pixels, `top`, again down to `bottom`.
  repeatRow(top, bottom) {
    for (let y = top + 1; y < Math.min(bottom, this.height); y++) this.pixels.copyWithin(y * this.width, top * this.width, (top + 1) * this.width);
  }
}

function paintSpans(raster, spans, place, zone, edge, hues) {
  for (const [kind, begin, end] of spans) {
    const left = Math.round(place(begin));
    raster.fillTo(edge, left, Math.max(left + 1, Math.round(place(end))), zone.top, zone.bottom, hues[kind]);
  }
}

function paintTicks(raster, columns, lane, view, place, zone, edge, { full, faded }) {
  const width = raster.width;
  const row = zone.top * width;
  const last = columns.firsts[lane + 1];
  const thick = Math.max(1, Math.floor(devicePixelRatio));
  let before = -1;
  for (let at = Math.max(columns.firsts[lane], findPacketAfter(columns, lane, view.start) - 1); at < last; at++) {
    const x = Math.round(place(columns.us[at]));
    if (x >= width) break;
    if (x === before || x < 0) continue;
    before = x;
    const color = x <= edge ? full : faded;
    for (let more = 0; more < thick && x + more < width; more++) raster.pixels[row + x + more] = color;
  }
  raster.repeatRow(zone.top, zone.bottom);
}

// Where a row has its bar, its ticks and its silences; in device pixels from the top of the lanes.
function layRow(at, height, ratio, withGhost) {
  const px = (share) => Math.round((at + share) * height * ratio);
  const split = withGhost ? 0.34 : 0.52;
  return {
    top: px(0),
    bar: { top: px(0.1), bottom: px(split) },
    ghost: { top: px(split) + 1, bottom: px(0.54) },
    ticks: { top: px(0.58), bottom: px(0.8) },
    stall: { top: px(0.84), bottom: px(0.95) },
    bottom: px(1),
  };
}

function drawLanes(canvas, raster, scene) {
  const { columns, view, theme } = scene;
  const ratio = raster.width / scene.size.width;
  const scale = raster.width / (view.end - view.start);
  const place = (us) => (us - view.start) * scale;
  const edge = scene.race.clock === null ? raster.width + 1 : Math.round(place(scene.race.clock));
  raster.pixels.fill(0);
  for (let lane = 0; lane < columns.shown; lane++) {
    const ghost = scene.ghostOf(lane);
    const row = layRow(lane, scene.size.row, ratio, ghost >= 0);
    if (lane % 2) raster.fill(0, raster.width, row.top, row.bottom, theme.stripe);
    paintSpans(raster, columns.spans[lane], place, row.bar, edge, theme.hues);
    if (ghost >= 0) paintSpans(raster, columns.spans[ghost], place, row.ghost, edge, theme.hues.map(({ ghost, faded }) => ({ full: ghost, faded })));
    paintTicks(raster, columns, lane, view, place, row.ticks, edge, theme.tick);
    for (const [begin, end] of columns.stalls[lane]) raster.fillTo(edge, Math.round(place(begin)), Math.round(place(end)), row.stall.top, row.stall.bottom, theme.stall);
  }
  const context = findContext(canvas);
  context.putImageData(raster.image, 0, 0);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  drawMarks(context, scene, (us) => place(us) / ratio);
  context.setTransform(1, 0, 0, 1, 0, 0);
}

// Where every request was written, flags, the selection, and where a race is.
function drawMarks(context, scene, place) {
  const { columns, theme, size, selection } = scene;
  const { clock } = scene.race;
  const height = columns.shown * size.row;
  context.fillStyle = theme.line;
  context.fillRect(place(0), 0, 1, height);
  for (const [severity, color] of Object.entries(theme.severities)) {
    context.fillStyle = color;
    context.fill(drawFlags(columns.flags.filter((flag) => flag.severity === severity && (clock === null || flag.at_us <= clock)), size.row, place));
  }
  context.strokeStyle = context.fillStyle = theme.chosen;
  context.lineWidth = 2;
  const flag = columns.flags[scene.flag];
  if (flag) context.strokeRect(place(flag.at_us) - 9, flag.lane * size.row + 1, 18, size.row - 2);
  if (scene.isFocused) context.strokeRect(1, scene.lane * size.row + 1, size.width - 2, size.row - 2);
  if (selection) {
    const [left, right] = [place(selection.start), place(selection.end)];
    context.globalAlpha = 0.18;
    context.fillRect(left, selection.first * size.row, right - left, (selection.last - selection.first + 1) * size.row);
    context.globalAlpha = 1;
  }
  context.fillStyle = theme.ink;
  if (clock !== null) context.fillRect(place(clock) - 1, 0, 2, height);
}

function drawFlags(flags, row, place) {
  const path = new Path2D();
  const size = Math.min(6, row * 0.3);
  for (const { at_us, lane } of flags) {
    const y = (lane + 0.55) * row;
    path.moveTo(place(at_us), y);
    path.lineTo(place(at_us) + size, y + 1.4 * size);
    path.lineTo(place(at_us) - size, y + 1.4 * size);
  }
  return path;
}

function chooseStep(us) {
  const power = 10 ** Math.floor(Math.log10(us));
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= us);
}

function drawAxis(canvas, scene) {
  const context = findContext(canvas);
  const { width } = scene.size;
  const ratio = canvas.width / width;
  const { start, end } = scene.view;
  const step = chooseStep(((end - start) / width) * 90);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, AXIS_HEIGHT);
  context.font = "11px sans-serif";
  context.textBaseline = "middle";
  for (let us = Math.ceil(start / step) * step; us <= end; us += step) {
    const x = ((us - start) / (end - start)) * width;
    const text = step >= 1e6 ? `${us / 1e6} s` : `${Number((us / 1000).toPrecision(8))} ms`;
    context.fillStyle = scene.theme.line;
    context.fillRect(x, 14, 1, 6);
    context.fillStyle = scene.theme.soft;
    const half = context.measureText(text).width / 2;
    context.fillText(text, Math.min(Math.max(x - half, 0), width - 2 * half), 7);
  }
}

function drawMap(canvas, raster, scene) {
  const { columns, theme } = scene;
  const scale = raster.width / (columns.end - columns.start);
  const place = (us) => (us - columns.start) * scale;
  raster.pixels.fill(0);
  for (let lane = 0; lane < columns.shown; lane++) {
    const zone = { top: Math.floor((lane * raster.height) / columns.shown), bottom: Math.max(1, Math.floor(((lane + 0.8) * raster.height) / columns.shown)) };
    paintSpans(raster, columns.spans[lane], place, zone, raster.width, theme.hues);
  }
  const context = findContext(canvas);
  context.putImageData(raster.image, 0, 0);
  context.fillStyle = theme.severities.error;
  for (const flag of columns.flags.filter(({ severity }) => severity === "error")) context.fillRect(place(flag.at_us) - 1, 0, 2, raster.height);
}

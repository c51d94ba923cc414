// What a timeline shows and does. Drawing is in timeline_painter.js, the clock of a race in timeline_race.js; the kernel
// opens answers and computes statistics.
const SHORTEST_VIEW = 50; // µs
const ROWS_HEIGHT = 560; // pixels that rows share, as far as they stay readable
const NEAR = 8; // pixels between a pointer and what it means

class TimelineView {
  constructor(model, el) {
    Object.assign(this, { model, el, parts: buildParts(), size: null, waiting: false, wasPlaying: false });
    this.race = makeRace(() => this.schedule());
    placeParts(el, this.parts);
    offerChoices(this.parts.speed, SPEEDS, 1);
  }

  // Another run or prompt.
  fill() {
    const { model, parts } = this;
    this.columns = readColumns(model);
    Object.assign(this, { view: { start: this.columns.start, end: this.columns.end }, lane: 0, flag: -1, selection: null });
    Object.assign(this.race, { clock: null, playing: false, end: this.columns.end });
    parts.seek.max = this.columns.end;
    parts.about.textContent = model.get("about");
    parts.lanes.setAttribute("aria-label", "Answers along time");
    offerChoices(parts.prompt, model.get("prompts").map((title, at) => [at, title]), model.get("prompt"));
    parts.before.disabled = parts.next.disabled = this.columns.flags.length === 0;
    parts.grid.hidden = this.columns.shown === 0;
    parts.status.textContent = "";
    parts.statistics.hidden = true;
    parts.legend.replaceChildren(...buildLegend(this.columns, model.get("hues"), model.get("words")));
    parts.summary.replaceChildren(buildTable(...model.get("summary"), "Answers"));
    this.fillRows();
    this.lay();
  }

  fillRows() {
    const { parts } = this;
    const shown = this.columns.lanes.slice(0, this.columns.shown);
    const hasBaseline = shown.some((lane) => lane.ghost >= 0);
    this.ghost = hasBaseline ? "baseline" : "none";
    offerChoices(parts.ghost, [["none", "none"], ...(hasBaseline ? [["baseline", "the baseline"]] : []), ...shown.map(({ name }, at) => [at, name])], this.ghost);
    parts.names.replaceChildren(...shown.map(({ name, endpoint, sentence, tone }) =>
      build("div", { title: `${name}: ${sentence}`, "data-tone": tone }, build("span", {}, endpoint), build("span", {}, name.slice(endpoint.length)))));
    parts.ends.replaceChildren(...shown.map(({ tone }) => build("div", { "data-tone": tone })));
  }

  // The canvases as large as their place, in the colours of the theme.
  lay() {
    const { parts, columns } = this;
    const width = parts.mapBox.clientWidth;
    this.size = width && columns.shown ? { width, row: Math.max(14, Math.min(40, Math.floor(ROWS_HEIGHT / columns.shown))) } : null;
    if (!this.size) return;
    this.theme = readTheme(this.el, Object.values(this.model.get("hues")));
    this.raster = this.fitCanvas(parts.lanes, this.size.row * columns.shown);
    this.fitCanvas(parts.axis, AXIS_HEIGHT);
    drawMap(parts.map, this.fitCanvas(parts.map, Math.max(14, Math.min(40, columns.shown * 3))), this);
    this.el.style.setProperty("--r-row", `${this.size.row}px`);
    this.draw();
  }

  fitCanvas(canvas, height) {
    canvas.width = Math.round(this.size.width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    canvas.style.width = `${this.size.width}px`;
    canvas.style.height = `${height}px`;
    return new Raster(canvas.width, canvas.height);
  }

  schedule() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  draw() {
    if (!this.size) return;
    this.followRace();
    const { parts, columns, view } = this;
    drawLanes(parts.lanes, this.raster, this);
    drawAxis(parts.axis, this);
    const whole = columns.end - columns.start;
    parts.window.style.left = `${(100 * (view.start - columns.start)) / whole}%`;
    parts.window.style.width = `${(100 * (view.end - view.start)) / whole}%`;
    this.showRace();
  }

  // Where it is zoomed in, the view goes along, a page at a time.
  followRace() {
    const { clock, playing } = this.race;
    if (!playing || (clock >= this.view.start && clock <= this.view.end)) return;
    const start = Math.max(this.columns.start, Math.min(clock, this.columns.end - this.viewWidth));
    this.view = { start, end: start + this.viewWidth };
  }

  showRace() {
    const { parts, race, columns } = this;
    const told = race.clock === null ? formatTime(columns.end) : `${formatTime(race.clock)} of ${formatTime(race.end)}`;
    setText(parts.play, race.playing ? "❚❚ Pause" : "▶ Race");
    setText(parts.clock, told);
    parts.leave.hidden = race.clock === null;
    parts.seek.value = race.clock ?? 0;
    parts.seek.setAttribute("aria-valuetext", told);
    [...parts.ends.children].forEach((end, lane) => setText(end, describeLane(columns, lane, race.clock, this.ghostOf(lane))));
    if (this.wasPlaying && race.clock === race.end) parts.status.textContent = describeWinner(columns);
    this.wasPlaying = race.playing;
  }

  // The lane that is drawn below another one; -1 for none.
  ghostOf(lane) {
    if (this.ghost === "none") return -1;
    if (this.ghost === "baseline") return this.columns.lanes[lane].ghost;
    return Number(this.ghost) === lane ? -1 : Number(this.ghost);
  }

  get isFocused() {
    return document.activeElement === this.parts.lanes;
  }

  get viewWidth() {
    return this.view.end - this.view.start;
  }

  setView(start, end) {
    const { columns } = this;
    const width = Math.max(SHORTEST_VIEW, Math.min(end - start, columns.end - columns.start));
    const from = Math.max(columns.start, Math.min(start, columns.end - width));
    this.view = { start: from, end: from + width };
    this.schedule();
  }

  fit() {
    this.setView(this.columns.start, this.columns.end);
  }

  pan(share) {
    const by = this.viewWidth * share;
    this.setView(this.view.start + by, this.view.end + by);
  }

  // `at`: which place of the view stays where it is, from 0 to 1.
  zoom(factor, at = 0.5) {
    const width = this.viewWidth;
    const fixed = this.view.start + width * at;
    this.setView(fixed - width * factor * at, fixed + width * factor * (1 - at));
  }

  centerOn(us) {
    this.setView(us - this.viewWidth / 2, us + this.viewWidth / 2);
  }

  chooseLane(lane) {
    this.lane = Math.max(0, Math.min(this.columns.shown - 1, lane));
    this.schedule();
  }

  moveLane(step) {
    this.flag = -1;
    this.chooseLane(this.lane + step);
    this.parts.status.textContent = `${this.columns.lanes[this.lane].name}: ${this.columns.lanes[this.lane].sentence}`;
  }

  goToFlag(step) {
    const { flags, lanes } = this.columns;
    if (!flags.length) return void (this.parts.status.textContent = "No finding.");
    this.flag = ((this.flag < 0 && step < 0 ? 0 : this.flag) + step + flags.length) % flags.length;
    const { lane, at_us, check, message } = flags[this.flag];
    const margin = this.viewWidth / 20;
    if (at_us < this.view.start + margin || at_us > this.view.end - margin) this.centerOn(at_us);
    this.chooseLane(lane);
    this.parts.status.textContent = `Finding ${this.flag + 1} of ${flags.length}: ${check}, ${lanes[lane].name}, at ${formatTime(at_us)}: ${message}`;
  }

  open(lane, offset = null) {
    this.model.send({ kind: "open", lane, offset });
  }

  openChosen() {
    const flag = this.columns.flags[this.flag];
    this.open(this.lane, flag?.lane === this.lane ? flag.offset : null);
  }

  measure(selection) {
    this.selection = selection;
    this.parts.status.textContent = "Measuring …";
    this.model.send({ kind: "measure", ...selection, start: Math.round(selection.start), end: Math.round(selection.end) });
    this.schedule();
  }

  measureView() {
    this.measure({ ...this.view, first: 0, last: this.columns.shown - 1 });
  }

  receive(content) {
    if (content.kind !== "statistics") return;
    this.parts.status.textContent = content.about;
    this.parts.statistics.hidden = false;
    this.parts.statistics.replaceChildren(buildTable(content.heads, content.rows, content.about));
  }

  leaveAll() {
    this.selection = null;
    this.parts.statistics.hidden = true;
    this.parts.status.textContent = "";
    this.race.leave();
  }

  toUs(x) {
    return this.view.start + (x / this.size.width) * this.viewWidth;
  }

  toLane(y) {
    return Math.max(0, Math.min(this.columns.shown - 1, Math.floor(y / this.size.row)));
  }

  findUnder({ offsetX, offsetY }) {
    const lane = this.toLane(offsetY);
    const us = this.toUs(offsetX);
    const near = this.toUs(NEAR) - this.toUs(0);
    const flag = this.columns.flags.findIndex((one) => one.lane === lane && Math.abs(one.at_us - us) <= near);
    return { lane, flag, packet: findNearestPacket(this.columns, lane, us) };
  }

  describeUnder({ lane, flag, packet }) {
    const { flags, lanes, us, offset, firsts } = this.columns;
    if (flag >= 0) return `${flags[flag].check}: ${flags[flag].message}`;
    if (packet < 0) return `${lanes[lane].name}: ${lanes[lane].sentence}`;
    const gap = packet > firsts[lane] ? `, ${formatTime(us[packet] - us[packet - 1])} after the one before` : "";
    return `${lanes[lane].name}: packet at ${formatTime(us[packet])}${gap}, byte ${offset[packet]}`;
  }
}

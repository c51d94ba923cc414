// The clock of a race: µs since every request was written, run at a speed; calm where less motion is asked for.
const CALM_MS = 1000; // between two steps

function makeRace(show) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const race = { clock: null, playing: false, speed: 1, end: 1 };
  let shown = 0;
  const step = (now) => {
    if (!race.playing) return;
    if (now - shown >= (calm.matches ? CALM_MS : 0)) {
      race.clock = Math.min(race.end, race.clock + Math.max(0, now - shown) * 1000 * race.speed);
      shown = now;
      race.playing = race.clock < race.end;
      show();
    }
    requestAnimationFrame(step);
  };
  race.play = () => {
    if (race.clock === null || race.clock >= race.end) race.clock = 0;
    race.playing = true;
    shown = performance.now();
    requestAnimationFrame(step);
    show();
  };
  race.pause = () => {
    race.playing = false;
    show();
  };
  race.toggle = () => (race.playing ? race.pause() : race.play());
  race.restart = () => {
    race.clock = null;
    race.play();
  };
  race.seek = (us) => {
    race.clock = Math.max(0, Math.min(race.end, us));
    show();
  };
  race.leave = () => {
    race.playing = false;
    race.clock = null;
    show();
  };
  return race;
}

const TONES = { good: "✔", finding: "▲", bad: "✘" };

// What stands behind a row: how its answer ended, or in a race how far it is.
function describeLane(columns, lane, clock, ghost) {
  const { tone, end_us } = columns.lanes[lane];
  if (clock === null || clock >= end_us) return `${TONES[tone]} ${formatTime(end_us)}`;
  const made = countDeltas(columns, lane, clock);
  const lead = ghost < 0 ? "" : ` (${made >= countDeltas(columns, ghost, clock) ? "+" : "−"}${Math.abs(made - countDeltas(columns, ghost, clock))})`;
  return `${made}${lead}`;
}

function describeWinner(columns) {
  const good = columns.lanes.slice(0, columns.shown).filter(({ tone }) => tone !== "bad");
  const order = good.sort((one, other) => one.end_us - other.end_us).slice(0, 3);
  return order.length ? `Over. First to the end: ${order.map(({ name, end_us }) => `${name}, ${formatTime(end_us)}`).join("; ")}.` : "Over. No answer was good.";
}

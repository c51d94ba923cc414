// Columns as the kernel sends them, and what can be looked up in them. Times are µs since each request was written.
const SPAN = 4; // lane, kind, begin, end
const STALL = 3; // lane, begin, end

function readColumn(model, name) {
  const view = model.get(name);
  return new Int32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

// Rows of a flat column by the lane that stands first in each.
function groupByLane(column, width, lanes) {
  const groups = Array.from({ length: lanes }, () => []);
  for (let at = 0; at < column.length; at += width) groups[column[at]]?.push([...column.subarray(at + 1, at + width)]);
  return groups;
}

function readColumns(model) {
  const lanes = model.get("lanes");
  const shown = model.get("shown");
  const deltas = readColumn(model, "packet_deltas");
  const sums = new Int32Array(deltas.length + 1);
  deltas.forEach((count, at) => (sums[at + 1] = sums[at] + count));
  return {
    lanes,
    shown,
    flags: model.get("flags"),
    firsts: readColumn(model, "firsts"),
    us: readColumn(model, "packet_us"),
    offset: readColumn(model, "packet_offset"),
    sums,
    spans: groupByLane(readColumn(model, "spans"), SPAN, lanes.length),
    stalls: groupByLane(readColumn(model, "stalls"), STALL, lanes.length),
    start: Math.min(0, ...lanes.slice(0, shown).map((lane) => lane.start_us)),
    end: Math.max(1, ...lanes.map((lane) => lane.end_us)),
  };
}

// The first packet of a lane that came after `us`; behind its last one if none did.
function findPacketAfter(columns, lane, us) {
  let low = columns.firsts[lane];
  let high = columns.firsts[lane + 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (columns.us[middle] <= us) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The packet of a lane nearest to `us`; -1 if it has none.
function findNearestPacket(columns, lane, us) {
  const first = columns.firsts[lane];
  const after = findPacketAfter(columns, lane, us);
  if (after === columns.firsts[lane + 1]) return after > first ? after - 1 : -1;
  return after > first && us - columns.us[after - 1] <= columns.us[after] - us ? after - 1 : after;
}

function countDeltas(columns, lane, us) {
  return columns.sums[findPacketAfter(columns, lane, us)] - columns.sums[columns.firsts[lane]];
}

function formatTime(us) {
  const ms = us / 1000;
  if (Math.abs(ms) >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms.toFixed(Math.abs(ms) >= 100 ? 0 : 1)} ms`;
}

// The last hits: what was measured, what the model made of it, and what sounded.

import {element, setText} from "./dom.js";
import {splitUnit, toPosition} from "./format.js";

const ROWS = 10;

// Bars of the last hit: features within the range that the model knows, and how far each parameter was moved.
export class LastHit {
  constructor() {
    this.features = element("div", {class: "bars features"});
    this.modulation = element("div", {class: "bars modulation"});
    this.node = element("div", {class: "last-hit"},
      element("div", {}, element("h3", {}, "Features of the last hit"), this.features),
      element("div", {}, element("h3", {}, "What it moves"), this.modulation));
    this.rows = new Map();
  }

  show(hit) {
    Object.entries(hit.features).forEach(([name, value], index) => {
      const [label, unit] = splitUnit(name);
      const bar = this.row(this.features, `feature ${name}`, label);
      bar.move(0, hit.scaled[index]);
      setText(bar.number, `${value.toFixed(1)} ${unit}`.trim());
    });
    const reach = Math.max(0.05, ...Object.values(hit.modulation).map(Math.abs));
    for (const [name, amount] of Object.entries(hit.modulation)) {
      const bar = this.row(this.modulation, `modulation ${name}`, name.replaceAll(".", " · ").replaceAll("_", " "));
      bar.move(0.5, 0.5 + amount / (2 * reach));
      setText(bar.number, amount.toFixed(2).replace("-0.00", "0.00"));
    }
    this.forgetOthers(hit);
  }

  row(parent, key, label) {
    let row = this.rows.get(key);
    if (row === undefined) {
      row = makeBar(label);
      parent.append(row.node);
      this.rows.set(key, row);
    }
    return row;
  }

  // A track that plays another synth moves other parameters.
  forgetOthers(hit) {
    for (const [key, row] of this.rows) {
      if (key.startsWith("feature ") || key.slice("modulation ".length) in hit.modulation) continue;
      row.node.remove();
      this.rows.delete(key);
    }
  }
}

function makeBar(label) {
  const bar = element("i", {});
  const number = element("span", {class: "amount"});
  const node = element("div", {class: "bar-row"}, element("span", {class: "label"}, label), element("div", {class: "trough"}, bar), number);
  const move = (from, to) => {
    const [low, high] = [Math.max(0, Math.min(from, to)), Math.min(1, Math.max(from, to))];
    bar.style.left = `${(100 * low).toFixed(1)}%`;
    bar.style.width = `${(100 * Math.max(0.004, high - low)).toFixed(1)}%`;
    bar.classList.toggle("down", to < from);
  };
  return {node, number, move};
}

// The list of hits and, if wished, of rejected candidates; newest first.
export class HitList {
  constructor() {
    this.body = element("tbody");
    this.withRejected = element("input", {type: "checkbox"});
    const head = element("tr", {}, ...["at", "kind", "strength", "level", "sound in"].map((text) => element("th", {scope: "col"}, text)));
    this.node = element("div", {class: "hit-list"},
      element("div", {class: "list-head"}, element("h3", {}, "Hits"),
        element("label", {}, this.withRejected, " with rejected candidates and why")),
      element("table", {}, element("thead", {}, head), this.body));
    this.oldest = Infinity;
    this.withRejected.addEventListener("change", () => this.clear());
  }

  add(event) {
    if (event.type === "rejected" && !this.withRejected.checked) return;
    this.body.prepend(hitRow(event));
    if (this.body.children.length === 1) this.oldest = timeOf(event);
    while (this.body.children.length > ROWS) this.body.lastElementChild.remove();
  }

  clear() {
    this.body.replaceChildren();
    this.oldest = Infinity;
  }

  get isEmpty() {
    return this.body.children.length === 0;
  }

  addOlder(events) {
    for (const event of [...events].reverse()) {
      if (this.body.children.length >= ROWS || timeOf(event) >= this.oldest) continue;
      this.body.append(hitRow(event));
      this.oldest = timeOf(event);
    }
  }

  gap(lost) {
    this.body.prepend(element("tr", {class: "gap"}, element("td", {colspan: 5}, `${lost} not shown: too many at once`)));
  }
}

const timeOf = (event) => event.onset_s ?? event.time_s;

function hitRow(event) {
  const isHit = event.type === "hit";
  const sound = event.latency_ms.sound ?? event.latency_ms.detection + (event.latency_ms.window ?? 0);
  const cells = [
    `${timeOf(event).toFixed(3)} s`,
    isHit ? "hit" : event.reason,
    `${event.strength_db.toFixed(1)} dB`,
    `${event.level_db.toFixed(1)} dB`,
    isHit ? `${sound.toFixed(1)} ms` : "–",
  ];
  return element("tr", {class: event.type}, ...cells.map((text) => element("td", {}, text)));
}

// Where each parameter went, as a mark on its fader.
export function markFaders(hit, track, marks, store) {
  for (const [name, value] of Object.entries(hit.values)) {
    const path = `/track/${track}/synth/${name.replaceAll(".", "/")}`;
    const mark = marks.get(path);
    const control = store.controls.get(path);
    if (mark === undefined || control === undefined) continue;
    mark.style.left = `${(100 * toPosition(control, value)).toFixed(1)}%`;
    mark.classList.add("seen");
  }
}

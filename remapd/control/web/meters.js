// Level meters in dBFS, with the greatest level of the last seconds as a line.

import {element, setAttribute} from "./dom.js";

const FLOOR_DB = -60;
const HOLD_MS = 1500;
const FALL_PER_S = 0.5;

const place = (db) => Math.min(1, Math.max(0, 1 - db / FLOOR_DB));

export class Meter {
  constructor(label) {
    this.bar = element("i", {class: "bar"});
    this.line = element("i", {class: "hold"});
    this.node = element("div", {
      class: "meter", role: "meter", "aria-label": label, "aria-valuemin": FLOOR_DB, "aria-valuemax": 0, "aria-valuenow": FLOOR_DB,
    }, this.bar, this.line);
    this.held = 0;
    this.since = 0;
    this.told = 0;
  }

  show(db) {
    const now = performance.now();
    const level = place(db ?? FLOOR_DB);
    if (level >= this.held) [this.held, this.since] = [level, now];
    else if (now - this.since > HOLD_MS) this.held = Math.max(level, this.held - FALL_PER_S / 30);
    this.bar.style.clipPath = `inset(0 ${(100 * (1 - level)).toFixed(1)}% 0 0)`;
    this.line.style.left = `${(100 * this.held).toFixed(1)}%`;
    this.node.classList.toggle("hot", this.held > 0.999);
    if (now - this.told > 1000) this.tell(db, now);
  }

  tell(db, now) {
    this.told = now;
    setAttribute(this.node, "aria-valuenow", Math.max(FLOOR_DB, Math.round(db ?? FLOOR_DB)));
  }
}

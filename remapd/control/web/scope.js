// The detection signal of one track against its thresholds, with each hit and each rejected candidate where it was.

import {element} from "./dom.js";
import {valueText} from "./format.js";

const SECONDS = 6;
const TOP_DB = 40;
const COLOURS = {signal: "#6db7ff", hit: "#ffb13d", rejected: "#8b95a5", grid: "#20262e", text: "#aab4c0"};
const LINE_COLOURS = ["#3ddc97", "#ff7a7a", "#c59bff"];

export class Scope {
  constructor() {
    this.canvas = element("canvas", {class: "scope", role: "img", "aria-label": "Detection signal and thresholds"});
    this.context = this.canvas.getContext("2d");
    this.points = [];
    this.marks = [];
    this.thresholds = [];
    this.now = 0;
    this.drawn = true;
    new ResizeObserver(() => this.resize()).observe(this.canvas);
  }

  attach(track, store) {
    this.thresholds = [];
    for (const control of thresholdsOf(track, store)) this.follow(control, store);
  }

  follow(control, store) {
    const threshold = {control, db: 0};
    this.thresholds.push(threshold);
    store.watch(control.path, (value) => {
      threshold.db = value;
      this.ask();
    });
  }

  // An engine that starts anew begins at time 0.
  signal(seconds, db) {
    if (seconds < this.now) [this.points, this.marks] = [[], []];
    this.now = seconds;
    this.points.push([seconds, db]);
    while (this.points.length && this.points[0][0] < seconds - SECONDS) this.points.shift();
    while (this.marks.length && this.marks[0].seconds < seconds - SECONDS) this.marks.shift();
    this.ask();
  }

  mark(event) {
    const isHit = event.type === "hit";
    this.marks.push({seconds: isHit ? event.onset_s : event.time_s, db: event.strength_db, reason: isHit ? "" : event.reason});
    if (this.marks.length > 400) this.marks.shift();
    this.ask();
  }

  ask() {
    if (!this.drawn) return;
    this.drawn = false;
    requestAnimationFrame(() => this.draw());
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
    this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
    this.ask();
  }

  draw() {
    this.drawn = true;
    const {context, canvas} = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.width / ratio, canvas.height / ratio];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const x = (seconds) => width * (1 - (this.now - seconds) / SECONDS);
    const y = (db) => height - 4 - ((height - 8) * Math.min(TOP_DB, Math.max(0, db))) / TOP_DB;
    this.drawGrid(width, y);
    this.drawMarks(x, y, height);
    this.drawSignal(x, y, height);
    this.drawThresholds(width, y);
  }

  drawGrid(width, y) {
    const {context} = this;
    context.fillStyle = COLOURS.grid;
    for (let db = 0; db <= TOP_DB; db += 10) context.fillRect(0, y(db), width, 1);
  }

  drawSignal(x, y, height) {
    const {context} = this;
    if (this.points.length === 0) return;
    context.beginPath();
    context.moveTo(x(this.points[0][0]), height);
    for (const [seconds, db] of this.points) context.lineTo(x(seconds), y(db));
    context.lineTo(x(this.now), height);
    context.fillStyle = "rgba(109, 183, 255, 0.22)";
    context.fill();
    context.strokeStyle = COLOURS.signal;
    context.lineWidth = 1.5;
    context.stroke();
  }

  drawMarks(x, y, height) {
    const {context} = this;
    context.font = "11px system-ui, sans-serif";
    for (const {seconds, db, reason} of this.marks) {
      const [left, top] = [x(seconds), y(db)];
      context.fillStyle = reason ? COLOURS.rejected : COLOURS.hit;
      context.fillRect(left - (reason ? 0.5 : 1), top, reason ? 1 : 2, height - top);
      context.beginPath();
      context.arc(left, top, reason ? 2.5 : 4, 0, 7);
      context.fill();
      if (reason && this.now - seconds < 2) context.fillText(reason, left + 5, Math.max(12, top));
    }
  }

  drawThresholds(width, y) {
    const {context} = this;
    context.font = "11px system-ui, sans-serif";
    this.thresholds.forEach(({control, db}, index) => {
      context.fillStyle = context.strokeStyle = LINE_COLOURS[index % LINE_COLOURS.length];
      context.setLineDash([5, 4]);
      context.beginPath();
      context.moveTo(0, y(db));
      context.lineTo(width, y(db));
      context.lineWidth = 1;
      context.stroke();
      context.setLineDash([]);
      const name = control.path.split("/").pop().replace("_threshold_db", "");
      context.fillText(`${name} ${valueText(control, db)}`, 6 + index * 104, 13);
    });
  }
}

function thresholdsOf(track, store) {
  return store.under(`/track/${track}/onset`).filter(({path}) => path.endsWith("_threshold_db"));
}

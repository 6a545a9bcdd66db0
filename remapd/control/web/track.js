// A track: its strip, which is always there, and all of its controls while it is selected.

import {element, setAttribute, setText} from "./dom.js";
import {makeFader} from "./fader.js";
import {labelsOf} from "./format.js";
import {HitList, LastHit, markFaders} from "./hits.js";
import {Meter} from "./meters.js";
import {Scope} from "./scope.js";
import {makeMenu, makeRow, makeSwitch} from "./widgets.js";

const FLASH_MS = 90;
// A parameter of the synth has its depth and its lock beside it.
const BESIDE = {of: "synth", depth: "depth", lock: "lock"};
const OPEN_AT_FIRST = matchMedia("(max-width: 760px)").matches ? [""] : ["", BESIDE.of];

export const numbersOf = (store) => store.containers("/track").map(Number);

export class Strip {
  constructor(number, context, onSelect) {
    const {store} = context;
    const control = (leaf) => store.controls.get(`/track/${number}/${leaf}`);
    this.meter = new Meter(`Input level of track ${number}`);
    this.lamp = element("i", {class: "lamp", "aria-hidden": "true"});
    this.name = element("span", {class: "model"});
    this.button = element("button", {type: "button", class: "select", "aria-pressed": "false", onclick: () => onSelect(number)},
      element("b", {}, String(number)), this.lamp, this.name);
    const gain = control("gain_db");
    this.node = element("div", {class: "strip"}, this.button,
      element("div", {class: "quick", "data-path": `/track/${number}/mute`, "data-learnable": ""},
        makeSwitch(control("mute"), `Mute track ${number}`, store, "M")),
      element("div", {class: "quick", "data-path": `/track/${number}/solo`, "data-learnable": ""},
        makeSwitch(control("solo"), `Solo track ${number}`, store, "S")),
      this.meter.node,
      element("div", {class: "row with-fader", "data-path": gain.path, "data-learnable": ""}, makeFader(gain, `Gain of track ${number}`, store).node));
    store.watch(`/track/${number}/model`, (name) => setText(this.name, name));
  }

  select(isSelected) {
    setAttribute(this.button, "aria-pressed", isSelected);
    this.node.classList.toggle("selected", isSelected);
  }

  flash() {
    this.lamp.classList.add("lit");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.lamp.classList.remove("lit"), FLASH_MS);
  }
}

export class Details {
  // What was seen of hits stays when the track is built anew, such as for another synth.
  constructor(number, context, former = null) {
    this.number = number;
    this.context = context;
    this.root = `/track/${number}`;
    this.marks = new Map();
    const isSame = former?.number === number;
    this.scope = isSame ? former.scope : new Scope();
    this.lastHit = isSame ? former.lastHit : new LastHit();
    this.hits = isSame ? former.hits : new HitList();
    this.scope.attach(number, context.store);
    this.node = element("div", {class: "track"}, this.head(), this.scope.canvas, ...this.groups(), this.hits.node);
  }

  hear(event) {
    this.scope.mark(event);
    this.hits.add(event);
    if (event.type === "hit") this.show(event);
  }

  // Hits from before, the newest of them last.
  remember(events) {
    if (events.length > 0 && this.hits.isEmpty) this.show(events.at(-1));
    this.hits.addOlder(events);
  }

  show(hit) {
    this.lastHit.show(hit);
    markFaders(hit, this.number, this.marks, this.context.store);
  }

  head() {
    const {store, removeTrack, saveSound} = this.context;
    const menus = this.leaves().filter(({kind}) => kind === "text").map((control) => {
      const label = control.path.slice(this.root.length + 1);
      return element("label", {class: "menu", "data-path": control.path, "data-learnable": control.midi ? "" : null},
        element("span", {}, label), makeMenu(control, label, store));
    });
    const remove = element("button", {
      type: "button", class: "quiet", onclick: () => removeTrack(this.number), hidden: numbersOf(store).length === 1,
    }, "remove track");
    const save = element("button", {type: "button", class: "quiet", onclick: () => saveSound(this.number)}, "save sound");
    return element("div", {class: "track-head"}, element("h2", {}, `Track ${this.number}`), ...menus, save, remove);
  }

  leaves() {
    return this.context.store.leaves(this.root);
  }

  groups() {
    const {store} = this.context;
    const mix = this.leaves().filter(({kind}) => kind !== "text");
    const names = store.containers(this.root).filter((name) => name !== BESIDE.depth && name !== BESIDE.lock);
    names.sort((a, b) => (b === BESIDE.of) - (a === BESIDE.of));
    return [this.group("", "mix", mix, this.root), this.lastHit.node,
      ...names.map((name) => this.group(name, name, store.under(`${this.root}/${name}`), `${this.root}/${name}`))];
  }

  group(key, title, controls, root) {
    const labels = labelsOf(controls, root);
    const rows = controls.map((control) => this.row(control, labels.get(control.path), key));
    const group = element("details", {class: "group", open: isOpen(key)},
      element("summary", {}, element("h3", {}, title)), element("div", {class: `rows ${key}`}, ...rows));
    group.addEventListener("toggle", () => sessionStorage.setItem(`remapd-open-${key}`, group.open ? "yes" : "no"));
    return group;
  }

  row(control, label, key) {
    if (key !== BESIDE.of) return makeRow(control, label, this.context);
    const {store} = this.context;
    const fader = makeFader(control, label, store);
    this.marks.set(control.path, fader.mark);
    const name = element("span", {class: "label", title: control.description}, label);
    const row = element("div", {class: "row with-fader", "data-path": control.path, "data-learnable": ""}, name, fader.node);
    row.append(...this.beside(control, label));
    return row;
  }

  beside(control, label) {
    const {store} = this.context;
    const leaf = control.path.slice(`${this.root}/${BESIDE.of}`.length);
    const [depth, lock] = [BESIDE.depth, BESIDE.lock].map((name) => store.controls.get(`${this.root}/${name}${leaf}`));
    const made = [];
    if (lock) {
      made.push(element("div", {class: "quick", "data-path": lock.path, "data-learnable": ""},
        makeSwitch(lock, `Lock ${label}`, store, "lock")));
    }
    if (depth) {
      made.push(element("div", {class: "row with-fader depth", "data-path": depth.path, "data-learnable": ""},
        element("span", {class: "label"}, "depth"), makeFader(depth, `Depth of ${label}`, store).node));
    }
    return made;
  }
}

function isOpen(key) {
  const said = sessionStorage.getItem(`remapd-open-${key}`);
  return said === null ? OPEN_AT_FIRST.includes(key) : said === "yes";
}

// The tree as the service describes it, and its values; changes go out gathered, the latest value of each path.

const INTERVAL_MS = 33;

export class Store {
  constructor(api, onProblem) {
    this.api = api;
    this.onProblem = onProblem;
    this.controls = new Map();
    this.values = new Map();
    this.confirmed = new Map();
    this.watchers = new Map();
    this.choiceWatchers = new Map();
    this.waiting = new Map();
    this.sending = new Set();
    this.held = new Set();
    this.timer = null;
    this.lastSent = 0;
  }

  async load() {
    const tree = await this.api.get("/tree?describe=1");
    this.controls = new Map(tree.controls.map((control) => [control.path, control]));
    this.watchers = new Map();
    this.choiceWatchers = new Map();
    this.held = new Set();
    for (const {path, value} of tree.controls) this.confirmed.set(path, value);
    this.values = new Map(this.confirmed);
  }

  // Models or presets have come or gone: nothing else is asked anew.
  async refreshChoices() {
    const tree = await this.api.get("/tree?describe=1");
    for (const {path, choices} of tree.controls) {
      const control = this.controls.get(path);
      if (control === undefined || String(control.choices) === String(choices)) continue;
      control.choices = choices;
      for (const watcher of this.choiceWatchers.get(path) ?? []) watcher();
    }
  }

  watchChoices(path, watcher) {
    this.choiceWatchers.set(path, [...(this.choiceWatchers.get(path) ?? []), watcher]);
  }

  // Controls directly below a container, and the names of the containers there.
  leaves(container) {
    return this.under(container).filter(({path}) => !path.slice(container.length + 1).includes("/"));
  }

  under(container) {
    return [...this.controls.values()].filter(({path}) => path.startsWith(`${container}/`));
  }

  containers(container) {
    const names = this.under(container).map(({path}) => path.slice(container.length + 1).split("/"));
    return [...new Set(names.filter((parts) => parts.length > 1).map((parts) => parts[0]))];
  }

  value(path) {
    return this.values.get(path);
  }

  watch(path, watcher) {
    this.watchers.set(path, [...(this.watchers.get(path) ?? []), watcher]);
    watcher(this.values.get(path));
  }

  // What the service says. What is being moved here, or on its way there, stays as the hand has it.
  apply(values) {
    for (const [path, value] of Object.entries(values)) {
      this.confirmed.set(path, value);
      if (!this.held.has(path) && !this.waiting.has(path) && !this.sending.has(path)) this.show(path, value);
    }
  }

  show(path, value) {
    this.values.set(path, value);
    for (const watcher of this.watchers.get(path) ?? []) watcher(value);
  }

  hold(path) {
    this.held.add(path);
  }

  letGo(path) {
    this.held.delete(path);
  }

  change(path, value) {
    this.show(path, value);
    this.waiting.set(path, value);
    this.schedule();
  }

  schedule() {
    if (this.timer !== null || this.sending.size > 0) return;
    const due = this.lastSent + INTERVAL_MS - performance.now();
    this.timer = setTimeout(() => this.send(), Math.max(0, due));
  }

  async send() {
    this.timer = null;
    this.lastSent = performance.now();
    const changes = Object.fromEntries(this.waiting);
    this.waiting.clear();
    this.sending = new Set(Object.keys(changes));
    try {
      const answer = await this.api.request("PATCH", "/tree", changes);
      this.accept(changes, answer.values);
    } catch (problem) {
      this.sending.clear();
      this.refuse(changes);
      this.onProblem(problem);
    }
    if (this.waiting.size > 0) this.schedule();
  }

  accept(changes, values) {
    for (const [path, value] of Object.entries(changes)) this.confirmed.set(path, value);
    this.sending.clear();
    this.apply(values);
  }

  // All of it was refused: everything goes back to what the service has.
  refuse(changes) {
    for (const path of Object.keys(changes)) {
      if (!this.waiting.has(path)) this.show(path, this.confirmed.get(path));
    }
  }
}

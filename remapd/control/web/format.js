// Values, positions on a fader and words, from what the tree says of a control.

const clip = (x) => Math.min(1, Math.max(0, x));

export function toPosition(control, value) {
  const {minimum, maximum, curve} = control;
  if (curve === "log") return clip(Math.log(value / minimum) / Math.log(maximum / minimum));
  return clip((value - minimum) / (maximum - minimum));
}

export function fromPosition(control, position) {
  const {minimum, maximum, curve, kind} = control;
  const place = clip(position);
  let value = curve === "log" ? minimum * (maximum / minimum) ** place : minimum + place * (maximum - minimum);
  if (kind === "whole") value = Math.round(value);
  // Rounded to what a hand can mean, so that numbers stay readable wherever they are shown.
  else value = Number(value.toPrecision(6));
  return Math.min(maximum, Math.max(minimum, value));
}

// Smallest step of a fader, as a part of its way.
export function stepOf(control) {
  const steps = control.kind === "whole" ? control.maximum - control.minimum : 1000;
  return 1 / Math.min(1000, Math.max(1, steps));
}

function decimals(control, value) {
  if (control.kind === "whole") return 0;
  const size = Math.max(Math.abs(value), (control.maximum - control.minimum) / 100);
  return size >= 100 ? 0 : size >= 10 ? 1 : 2;
}

export function numberText(control, value) {
  const text = Number(value).toFixed(decimals(control, value));
  return Number(text) === 0 ? text.replace("-", "") : text;
}

export function valueText(control, value) {
  if (control.kind === "switch") return value ? "on" : "off";
  if (control.kind === "text") return value || "default";
  return control.unit ? `${numberText(control, value)} ${control.unit}` : numberText(control, value);
}

export function parseNumber(text) {
  const number = Number.parseFloat(text.trim().replace(",", ".").replace("−", "-"));
  return Number.isFinite(number) ? number : null;
}

export const leafOf = (path) => path.slice(path.lastIndexOf("/") + 1);

// "hold_ms" is "hold", as the unit stands beside its value; where two would be called alike both keep their unit.
export function labelsOf(controls, root) {
  const short = new Map(controls.map((control) => [control.path, shortName(control, root)]));
  const counts = new Map();
  for (const label of short.values()) counts.set(label, (counts.get(label) ?? 0) + 1);
  for (const control of controls) {
    const label = short.get(control.path);
    if (counts.get(label) > 1 && control.unit) short.set(control.path, `${label} (${control.unit})`);
  }
  return short;
}

function shortName(control, root) {
  let name = control.path.slice(root.length).replace(/^\//, "");
  const ending = control.unit ? `_${control.unit.toLowerCase().replace("/", "_per_")}` : "";
  if (ending && name.endsWith(ending)) name = name.slice(0, -ending.length);
  return name.replaceAll("_", " ").replaceAll("/", " · ");
}

const FEATURE_UNITS = {db: "dB", st: "st", hz: "Hz", ms: "ms"};

// Of "loudness_db" the name and the unit.
export function splitUnit(name) {
  const at = name.lastIndexOf("_");
  const unit = FEATURE_UNITS[name.slice(at + 1)];
  return unit ? [name.slice(0, at).replaceAll("_", " "), unit] : [name.replaceAll("_", " "), ""];
}

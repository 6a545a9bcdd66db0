// Whether all is well, at a glance: connection, device, latency, load, late blocks, output.

import {byId, setAttribute, setText} from "./dom.js";
import {Meter} from "./meters.js";

const LATE_SHOWN_MS = 3000;
const LIMITED_DB = -0.1;
// The latency is that of the last hits.
const STATUS_EVERY_MS = 5000;

export class Header {
  constructor(api, onProblem) {
    Object.assign(this, {api, onProblem});
    this.output = [new Meter("Output, left"), new Meter("Output, right")];
    byId("output-meters").append(...this.output.map((meter) => meter.node));
    setInterval(() => this.isConnected && !document.hidden && this.showStatus(), STATUS_EVERY_MS);
  }

  connected() {
    this.isConnected = true;
    byId("banner").hidden = true;
    setAttribute(byId("link"), "data-state", "on");
    setText(byId("link"), "connected");
    this.showStatus();
  }

  disconnected() {
    this.isConnected = false;
    setAttribute(byId("link"), "data-state", "off");
    setText(byId("link"), "not connected");
    setText(byId("banner"), "No connection to remapd. The music may well go on; trying again…");
    byId("banner").hidden = false;
  }

  showMeters({output_db, load, xruns, limiter_db}) {
    this.output.forEach((meter, side) => meter.show(output_db[side]));
    setText(byId("load"), `${(100 * load).toFixed(1)} %`);
    setText(byId("xruns"), String(xruns));
    setText(byId("output-label"), limiter_db < LIMITED_DB ? `out, limited ${limiter_db.toFixed(1)} dB` : "out");
  }

  showLate({total}) {
    const late = byId("xruns");
    setText(late, String(total));
    late.classList.add("late");
    clearTimeout(this.lateTimer);
    this.lateTimer = setTimeout(() => late.classList.remove("late"), LATE_SHOWN_MS);
  }

  async showStatus() {
    try {
      const {state, device, latency} = await this.api.get("/status");
      setText(byId("device"), deviceText(state, device));
      setText(byId("latency"), latency.sound ? `${latency.sound.p50_ms.toFixed(1)} ms` : "–");
    } catch (problem) {
      this.onProblem(problem);
    }
  }
}

function deviceText(state, device) {
  if (device === null) return `${state} for audio`;
  return `${device.input}, ${device.sample_rate_hz / 1000} kHz, ${device.block_frames} frames`;
}

// Requests to the service that serves this page. A token, where one is needed, lives as long as the browser's tab.

const PREFIX = "/api/v1";
const KEY = "remapd-token";

export class Problem extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `the service answered ${status}`);
    this.status = status;
    this.field = problem.field ?? "";
  }
}

export class Api {
  constructor() {
    this.client = "";
    this.token = sessionStorage.getItem(KEY) ?? "";
    this.onTokenNeeded = () => {};
  }

  useToken(token) {
    this.token = token.trim();
    sessionStorage.setItem(KEY, this.token);
  }

  get(path) {
    return this.request("GET", path);
  }

  async blob(path) {
    return (await this.fetched("GET", path)).blob();
  }

  async request(method, path, body) {
    const answer = await this.fetched(method, path, body);
    return answer.status === 204 ? null : answer.json().catch(() => null);
  }

  async fetched(method, path, body) {
    const all = {};
    if (body !== undefined) all["Content-Type"] = "application/json";
    if (this.client) all["Remapd-Client"] = this.client;
    if (this.token) all.Authorization = `Bearer ${this.token}`;
    const answer = await fetch(PREFIX + path, {
      method, headers: all, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store",
    });
    if (answer.status === 401) this.onTokenNeeded();
    if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => ({})));
    return answer;
  }

  socketUrl(query) {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    return `${scheme}://${location.host}${PREFIX}/events?${query}`;
  }

  // A browser sends no headers with a WebSocket: the token goes as a subprotocol, never in the address.
  socketProtocols() {
    return this.token ? ["remapd", `remapd.token.${this.token}`] : ["remapd"];
  }
}

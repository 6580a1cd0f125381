// @ts-check
// Recolours what the page already shows, as the service commits it. Moves nothing, stores nothing.

/** @typedef {{unit: string, colour: string, since: string | null}} Change */
/** @typedef {{at: string, not_stored_since: string | null}} Beat */
/** @typedef {Beat & {changes: Change[], counts: Record<string, Record<string, number>>, open_incidents: number}} News */

const STALE_AFTER = 15_000; // milliseconds of silence; the service speaks every five seconds
const OPEN_AGAIN = 10_000; // milliseconds before a stream that the browser gave up is opened again

const script = /** @type {HTMLScriptElement} */ (document.querySelector("script[data-events]"));
const address = script.dataset.events ?? "/api/v1/events";
const watched = script.dataset.watch ?? "";
const live = /** @type {HTMLElement} */ (document.getElementById("live"));
const liveText = /** @type {HTMLElement} */ (document.getElementById("live-text"));
const lost = /** @type {HTMLElement} */ (document.getElementById("lost"));
const changed = /** @type {HTMLElement} */ (document.getElementById("changed"));
const notStored = /** @type {HTMLElement} */ (document.getElementById("not-stored"));
const clock = new Intl.DateTimeFormat("en-GB", {
  timeZone: document.body.dataset.zone,
  day: "2-digit",
  month: "2-digit",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
});

let heardAt = Date.now();
let lastInstant = new Date().toISOString();
let wasIncidents = document.getElementById("board")?.dataset.openIncidents;

/** @param {string} iso @param {boolean} [seconds] */
function instant(iso, seconds) {
  /** @type {Record<string, string>} */
  const part = {};
  for (const { type, value } of clock.formatToParts(new Date(iso))) part[type] = value;
  const time = `${part.hour}:${part.minute}${seconds ? `:${part.second}` : ""}`;
  return `${time} ${part.day}/${part.month}/${part.year}`;
}

/** @param {ParentNode} element @param {string} colour */
function paintLamp(element, colour) {
  const legend = /** @type {HTMLElement | null} */ (document.querySelector(`[data-legend="${CSS.escape(colour)}"]`));
  const lamp = /** @type {HTMLElement | null} */ (element.querySelector(".lamp"));
  if (!legend || !lamp) return;
  lamp.dataset.lamp = colour;
  lamp.querySelector("use")?.setAttribute("href", `#lamp-${colour}`);
  const letter = lamp.querySelector(".letter");
  if (letter) letter.textContent = legend.dataset.letter ?? "?";
  const word = element.querySelector(".word");
  if (word) word.textContent = legend.dataset.word ?? colour;
}

/** @param {Change} change */
function recolour(change) {
  for (const found of document.querySelectorAll(`[data-unit="${CSS.escape(change.unit)}"]`)) {
    const element = /** @type {HTMLElement} */ (found);
    if (element.dataset.colour === change.colour) continue;
    element.dataset.colour = change.colour;
    paintLamp(element, change.colour);
    const since = /** @type {HTMLElement | null} */ (element.querySelector("[data-since]"));
    if (since && change.since) since.textContent = instant(change.since);
    if (change.unit === watched) changed.hidden = false;
  }
}

/** @param {Record<string, Record<string, number>>} counts */
function recount(counts) {
  for (const [group, numbers] of Object.entries(counts)) {
    for (const holder of document.querySelectorAll(`[data-group="${CSS.escape(group)}"]`)) {
      for (const [colour, number] of Object.entries(numbers)) {
        const count = holder.querySelector(`[data-count="${CSS.escape(colour)}"]`);
        if (!count) continue;
        count.textContent = String(number);
        const counter = /** @type {HTMLElement | null} */ (count.closest(".counter"));
        if (counter) counter.dataset.none = number ? "no" : "yes";
      }
    }
    for (const bar of document.querySelectorAll(`[data-bar="${CSS.escape(group)}"]`)) redraw(bar, numbers);
  }
}

/** @param {Element} bar @param {Record<string, number>} numbers */
function redraw(bar, numbers) {
  const parts = [...bar.querySelectorAll("rect")];
  const total = parts.reduce((sum, part) => sum + (numbers[part.dataset.part ?? ""] ?? 0), 0) || 1;
  let x = 0;
  for (const part of parts) {
    const width = ((numbers[part.dataset.part ?? ""] ?? 0) / total) * 1000;
    part.setAttribute("x", x.toFixed(2));
    part.setAttribute("width", width.toFixed(2));
    x += width;
  }
}

/** @param {number} open */
function recountIncidents(open) {
  const badge = document.getElementById("incident-count");
  if (!badge) return;
  badge.textContent = String(open);
  badge.dataset.none = open ? "no" : "yes";
  if (String(open) !== wasIncidents) changed.hidden = false;
  wasIncidents = String(open);
}

/** @param {Beat} beat */
function heard({ at, not_stored_since: since }) {
  heardAt = Date.now();
  lastInstant = at;
  if (since) notStored.textContent = (notStored.dataset.text ?? "").replace("{time}", instant(since));
  notStored.hidden = !since;
  live.dataset.state = "live";
  liveText.textContent = `${live.dataset.wordLive} ${instant(at, true)}`;
  lost.hidden = true;
  document.body.classList.remove("stale");
}

function losing() {
  if (document.body.classList.contains("stale")) return;
  document.body.classList.add("stale");
  live.dataset.state = "lost";
  const said = (live.dataset.wordLost ?? "").replace("{time}", instant(lastInstant, true));
  liveText.textContent = "";
  lost.textContent = said;
  lost.hidden = false;
}

function listen() {
  const stream = new EventSource(address);
  /** @param {MessageEvent<string>} event */
  const take = (event) => {
    const news = /** @type {News} */ (JSON.parse(event.data));
    heard(news);
    news.changes.forEach(recolour);
    recount(news.counts);
    recountIncidents(news.open_incidents);
  };
  stream.addEventListener("snapshot", take);
  stream.addEventListener("change", take);
  stream.addEventListener("beat", (event) => heard(JSON.parse(event.data)));
  stream.addEventListener("error", () => {
    losing();
    if (stream.readyState === EventSource.CLOSED) setTimeout(listen, OPEN_AGAIN);
  });
}

setInterval(() => {
  if (Date.now() - heardAt > STALE_AFTER) losing();
}, 1000);
listen();

"use strict";
const whole = JSON.parse(document.getElementById("data").textContent);
let data = whole;
const by = (id) => document.getElementById(id);
const make = (tag, text, attributes = {}) => {
  const one = document.createElement(tag);
  if (text !== undefined && text !== null) one.textContent = text;
  for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
  return one;
};
const row = (cells) => { const one = make("tr"); one.append(...cells); return one; };
const minute = (text) => text.slice(0, 16).replace("T", " ") + "Z";
const FIRST = 50;

by("range").textContent = `${minute(data.head.from)} to ${minute(data.head.to)}`;

function tiles() {
  const now = data.totals, was = data.before ? data.before.totals : null;
  const shown = [["times_woken", "times woken"], ["times_woken_at_night", "at night"], ["pages", "pages"],
    ["alerts_fired", "alerts fired"], ["alerts_told_quietly", "told, woke nobody"], ["alerts_withheld", "not told"],
    ["policies_at_their_end", "that nobody acknowledged"]];
  for (const [key, name] of shown) {
    const tile = make("div", null, { class: "tile", "data-total": key });
    tile.append(make("b", now[key].toLocaleString("en")), make("span", name));
    if (was) tile.append(make("small", `${was[key].toLocaleString("en")} as things stand`));
    by("totals").append(tile);
  }
}

function unknown() {
  for (const one of data.head.unknown) {
    const rules = one.rules.length ? ` This touches ${one.rules.join(", ")}.` : "";
    by("unknown").append(make("li", one.told + rules));
  }
}

function comparison() {
  if (!data.comparison) return;
  const found = data.comparison, place = by("comparison");
  by("comparison-box").hidden = false;
  const saved = found.nights_saved;
  place.append(make("p", `${found.gone_pages} pages are gone (${found.gone_night_pages} of them at night), ${found.new_pages} are new ` +
    `(${found.new_night_pages} at night), ${found.earlier_pages} come earlier, ${found.later_pages} later, ${found.same} are the same. ` +
    `${Math.abs(saved)} nights ${saved >= 0 ? "saved" : "lost"}.`, { class: saved >= 0 ? "good" : "bad" }));
  const box = make("details"), table = make("table", null, { id: "differences" }), body = make("tbody");
  const head = make("thead");
  head.append(row(["What", "Their time", "Who", "Alert", "Before", "After"].map((name) => make("th", name, { scope: "col" }))));
  const fill = (of) => body.replaceChildren(...found.differences.filter((one) => of === "all" || one.kind === of).slice(0, 2000)
    .map((one) => row([make("td", one.kind), make("td", one.local, one.night ? { class: "night" } : {}), make("td", one.name),
      make("td", one.alerts.join(", ")), make("td", one.before ? minute(one.before) : "–"), make("td", one.after ? minute(one.after) : "–")])));
  const choice = make("p");
  for (const kind of ["all", "new", "gone", "earlier", "later"]) {
    const button = make("button", kind, { type: "button" });
    button.addEventListener("click", () => fill(kind));
    choice.append(button, " ");
  }
  table.append(head, body); fill("all");
  const wide = make("div", null, { class: "wide" });
  wide.append(table);
  box.append(make("summary", `All ${found.differences.length} differences`), choice, wide);
  place.append(box);
}

function truth() {
  if (!whole.truth) return;
  by("truth-box").hidden = false;
  const wrong = whole.truth.for_nothing;
  by("nothing").textContent = `Woken for nothing: ${wrong.before} times as things stand, ${wrong.after} times with these files.`;
  const side = (one, found) => found.times === 0
    ? make("td", one.wanted ? "missed" : "nobody", { class: one.wanted ? "bad" : "good" })
    : make("td", `${found.first} after ${Math.round(found.after_seconds / 60)} min` + (found.times > 1 ? `, ${found.times} times` : "") + `: ${found.alerts.join(", ")}`, { class: one.wanted ? "good" : "bad" });
  for (const one of whole.truth.episodes) {
    const what = make("td");
    what.append(make("b", one.name), make("br"), make("span", one.told));
    document.querySelector("#truth tbody").append(row([what, make("td", minute(one.from), { class: "when" }), make("td", one.wanted ? "yes" : "no"), side(one, one.before), side(one, one.after)]));
  }
}

function people() {
  by("people").replaceChildren();
  const hours = new Map();
  for (const one of data.woken) {
    if (!hours.has(one.name)) hours.set(one.name, new Array(24).fill(0));
    hours.get(one.name)[Number(one.local.slice(15, 17))] += 1;
  }
  if (!hours.size) { by("people").append(make("p", "Nobody was woken.")); return; }
  const most = Math.max(...[...hours.values()].flat());
  const table = make("table", null, { class: "hours" });
  const names = make("tr");
  names.append(make("td"), ...[...Array(24).keys()].map((hour) => make("th", hour, { scope: "col", class: hour >= 22 || hour < 6 ? "dark-hour" : "" })), make("th", "all", { scope: "col" }), make("th", "at night", { scope: "col" }));
  table.append(names);
  for (const person of data.by_person) {
    const cells = hours.get(person.name).map((count, hour) => {
      const cell = make("td", count || "", { title: `${person.name}, ${hour} h: ${count}` });
      cell.style.setProperty("--share", count / most);
      return cell;
    });
    table.append(row([make("th", person.name, { scope: "row" }), ...cells, make("th", person.woken), make("th", person.at_night)]));
  }
  by("people").append(table);
}

const answer = (one) => one.acknowledged_by === null ? "by nobody"
  : `after ${Math.round(one.after_seconds / 60)} min` + (one.acknowledged_by === one.user ? "" : ` by ${one.acknowledged_by}`);

let all = false, words = [];

function woken() {
  words = data.woken.map((one) => JSON.stringify(one).toLowerCase());
  const body = document.querySelector("#woken tbody");
    const wanted = by("filter").value.toLowerCase();
    const found = data.woken.filter((_, place) => words[place].includes(wanted));
    const part = all ? found : found.slice(0, FIRST);
    body.replaceChildren(...part.map((one) => {
      const why = make("details"), list = make("ol");
      list.append(...one.why.map((reason) => make("li", reason)));
      why.append(make("summary", one.why[one.why.length - 1]), list);
      const reasons = make("td"); reasons.append(why);
      return row([make("td", one.local, { class: one.night ? "night" : "", title: `${one.at}, ${one.time_zone}` }), make("td", one.name), make("td", one.alerts.join(", ")),
        make("td", one.severity), make("td", one.level, { class: "number" }), make("td", answer(one)), reasons]);
    }));
    by("shown").textContent = part.length === data.woken.length ? `${part.length}` : `${part.length} of ${data.woken.length}`;
    by("more").hidden = part.length === found.length;
}

function reason(one) {
  if (one.unpaged.length) return one.unpaged[0];
  if (one.joined.length) return "its page was open already";
  if (one.told.length) return `told to ${[...new Set(one.told.map((each) => each.receiver))].join(", ")}, which wakes nobody`;
  return one.withheld.length ? one.withheld[0].why : "over before its group was told";
}

function quiet() {
  const found = new Map();
  for (const one of data.alerts) {
    if (one.outcome === "woken") continue;
    if (!found.has(one.alert)) found.set(one.alert, new Map());
    const reasons = found.get(one.alert), why = reason(one);
    reasons.set(why, (reasons.get(why) || 0) + 1);
  }
  const body = document.querySelector("#quiet tbody");
  body.replaceChildren(); by("never").replaceChildren();
  for (const [alert, reasons] of [...found].sort()) {
    const list = make("td"), sorted = [...reasons].sort((one, other) => other[1] - one[1]);
    list.textContent = sorted.slice(0, 3).map(([why, count]) => `${why} (${count})`).join("; ") + (sorted.length > 3 ? "; …" : "");
    body.append(row([make("td", alert), make("td", sorted.reduce((sum, one) => sum + one[1], 0), { class: "number" }), list]));
  }
  if (!found.size) body.append(row([make("td", "None.", { colspan: 3 })]));
  for (const name of data.never_fired) by("never").append(make("li", name));
  if (!data.never_fired.length) by("never").append(make("li", "All of them fired."));
}

function timeline() {
  const box = by("timeline"), canvas = box.querySelector("canvas"), tip = by("tip"), context = canvas.getContext("2d");
  const start = Date.parse(data.head.from), end = Date.parse(data.head.to);
  let rows, bars, marks;
  const load = () => {
    rows = [...new Set(data.alerts.map((one) => one.alert))].sort();
    bars = data.alerts.map((one) => ({ one, row: rows.indexOf(one.alert), from: Date.parse(one.from), to: one.to ? Date.parse(one.to) : end }));
    marks = data.woken.map((one) => ({ one, at: Date.parse(one.at) }));
    draw();
  };
  const LEFT = 190, TOP = 44, HIGH = 18;
  let view = [start, end];
  const width = () => box.clientWidth - LEFT;
  const place = (time) => LEFT + (time - view[0]) / (view[1] - view[0]) * width();
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function steps() {
    const sizes = [60e3, 3e5, 9e5, 36e5, 108e5, 216e5, 432e5, 864e5, 7 * 864e5, 28 * 864e5];
    const size = sizes.find((one) => (view[1] - view[0]) / one <= 12) || 90 * 864e5;
    const first = Math.ceil(view[0] / size) * size, found = [];
    for (let time = first; time <= view[1]; time += size) found.push(time);
    return [found, size];
  }

  function draw() {
    const scale = window.devicePixelRatio || 1, wide = box.clientWidth, high = TOP + rows.length * HIGH + 6;
    canvas.width = wide * scale; canvas.height = high * scale; canvas.style.height = `${high}px`;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, wide, high);
    context.font = "11px system-ui, sans-serif"; context.textBaseline = "middle";
    const [times, size] = steps();
    context.strokeStyle = colour("--line"); context.fillStyle = colour("--faint");
    for (const time of times) {
      const x = place(time), text = new Date(time).toISOString();
      context.beginPath(); context.moveTo(x, 16); context.lineTo(x, high); context.stroke();
      context.fillText(size < 864e5 ? `${text.slice(5, 10)} ${text.slice(11, 16)}` : text.slice(0, 10), x + 3, 9);
    }
    context.fillStyle = colour("--ink"); context.fillText("pages", 8, 30);
    rows.forEach((name, at) => context.fillText(name.length > 28 ? `${name.slice(0, 27)}…` : name, 8, TOP + at * HIGH + HIGH / 2));
    context.save(); context.beginPath(); context.rect(LEFT, 0, wide - LEFT, high); context.clip();
    const colours = { woken: colour("--woken"), joined: colour("--woken"), told: colour("--told"), withheld: colour("--withheld") };
    for (const bar of bars) {
      if (bar.to < view[0] || bar.from > view[1]) continue;
      const x = place(bar.from);
      context.fillStyle = colours[bar.one.outcome];
      context.fillRect(x, TOP + bar.row * HIGH + 3, Math.max(1.5, place(bar.to) - x), HIGH - 6);
    }
    context.fillStyle = colour("--page");
    for (const mark of marks) if (mark.at >= view[0] && mark.at <= view[1]) context.fillRect(place(mark.at) - 0.75, 20, 1.5, 20);
    context.restore();
  }

  function zoom(factor, around) {
    const middle = around === undefined ? (view[0] + view[1]) / 2 : around;
    const span = Math.min(end - start, Math.max(60e3, (view[1] - view[0]) * factor));
    const from = Math.min(Math.max(start, middle - (middle - view[0]) / (view[1] - view[0]) * span), Math.max(start, end - span));
    view = [from, from + span]; draw();
  }
  function move(by) {
    const span = view[1] - view[0], from = Math.min(Math.max(start, view[0] + by), Math.max(start, end - span));
    view = [from, from + span]; draw();
  }
  const timeAt = (event) => view[0] + (event.clientX - box.getBoundingClientRect().left - LEFT) / width() * (view[1] - view[0]);

  box.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY < 0 ? 0.8 : 1.25, timeAt(event)); }, { passive: false });
  let held = null;
  box.addEventListener("pointerdown", (event) => { held = [event.clientX, view]; box.setPointerCapture(event.pointerId); });
  box.addEventListener("pointerup", () => { held = null; });
  box.addEventListener("pointermove", (event) => {
    if (held) { view = held[1]; move((held[0] - event.clientX) / width() * (view[1] - view[0])); tip.hidden = true; return; }
    const edge = box.getBoundingClientRect(), y = event.clientY - edge.top, time = timeAt(event), near = (view[1] - view[0]) / width() * 4;
    let text = null;
    if (y < TOP) {
      const mark = marks.find((one) => Math.abs(one.at - time) <= near);
      if (mark) text = `${mark.one.name}, ${mark.one.local}: ${mark.one.alerts.join(", ")}\n${mark.one.why.join("\n")}`;
    } else {
      const at = Math.floor((y - TOP) / HIGH), bar = bars.find((one) => one.row === at && one.from - near <= time && time <= one.to + near);
      if (bar) text = `${bar.one.alert}, ${minute(bar.one.from)} to ${bar.one.to ? minute(bar.one.to) : "the end"}\n` +
        (bar.one.outcome === "woken" ? `woke ${bar.one.woken.join(", ")}` : reason(bar.one));
    }
    tip.hidden = text === null;
    if (text) {
      tip.textContent = text; tip.style.whiteSpace = "pre-line";
      tip.style.left = `${Math.min(event.clientX - edge.left + 12, box.clientWidth - 240)}px`; tip.style.top = `${y + 14}px`;
    }
  });
  box.addEventListener("pointerleave", () => { tip.hidden = true; });
  box.addEventListener("keydown", (event) => {
    const step = (view[1] - view[0]) / 5;
    const keys = { "+": () => zoom(0.7), "=": () => zoom(0.7), "-": () => zoom(1.4), ArrowLeft: () => move(-step), ArrowRight: () => move(step), 0: () => { view = [start, end]; draw(); } };
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => {
    if (button.dataset.zoom === "all") { view = [start, end]; draw(); } else zoom(button.dataset.zoom === "in" ? 0.6 : 1.6);
  });
  window.addEventListener("resize", draw); window.addEventListener("beforeprint", draw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  load();
  return [draw, load];
}

tiles(); unknown(); comparison(); truth(); people(); woken(); quiet();
const [redraw, reload] = timeline();
by("filter").addEventListener("input", woken);
by("more").addEventListener("click", () => { all = true; woken(); });
by("sides").hidden = !whole.before;
for (const one of document.querySelectorAll("[name=side]")) one.addEventListener("change", () => {
  data = one.value === "before" ? { ...whole.before, before: null } : whole;
  people(); woken(); quiet(); reload();
});
const dark = () => document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
const name = () => { by("theme").textContent = dark() ? "Light" : "Dark"; };
by("theme").addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; name(); redraw(); });
name();
by("foot").textContent = `LLM Research Lab ${data.head.lab} · time-zone data ${data.head.time_zone_data} · seed ${data.head.seed} · files ${data.head.files.slice(0, 12)}`;
document.documentElement.dataset.ready = "yes";

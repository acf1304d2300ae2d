// Steps through the stages of a training step, and shows the arithmetic of a stage or of the chosen unit.
// The URL's fragment holds the state: #stage=3&row=0&show=u1-0.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const element = (id) => document.getElementById(id);
const network = element("network");
const lastStage = data.stages.length - 1;
const FADE = 24; // pixels that fade at a side where the drawing continues
const MOST_SHOWN = 12; // maximum number of units and edges with lines when none is chosen
const state = { stage: 0, row: 0, show: null };

const isEdge = (id) => id in data.edges;
const thing = (id) => data.edges[id] ?? data.units[id];

function nameOf(id) {
  if (!isEdge(id)) return data.units[id].name;
  const { start, end } = data.edges[id];
  return `${data.units[start].name} → ${data.units[end].name}`;
}

// Readings of a unit or an edge at this stage: the latest number for each place in the drawing.
function readings(id) {
  const known = new Map();
  for (const [stage, slot, name, sign, values] of thing(id).readings) {
    const value = values[state.row] ?? values[0];
    if (stage > state.stage) continue;
    if (value) known.set(slot, { name, value, sign });
    else known.delete(slot);
  }
  return known;
}

// Lines of arithmetic up to this stage, with those of this stage marked.
function lines(id) {
  return thing(id).lines
    .filter(([stage, , row]) => stage <= state.stage && (row === undefined || row === state.row))
    .map(([stage, words]) => ({ words, now: stage === state.stage }));
}

// Units and edges in the order of the arrow keys: each unit after its incoming edges.
const walk = [
  ...Object.keys(data.units).flatMap((unit) => [
    ...Object.keys(data.edges).filter((edge) => data.edges[edge].end === unit),
    unit,
  ]),
];

// A drawn line is too thin to click: an invisible, wider one over each edge takes its events.
for (const id of Object.keys(data.edges)) {
  const hit = element(id).cloneNode();
  hit.id = `${id}-hit`;
  hit.setAttribute("class", "hit");
  hit.removeAttribute("stroke-width");
  network.insertBefore(hit, network.querySelector(":scope > .label, :scope > .column"));
}
const target = (id) => element(isEdge(id) ? `${id}-hit` : id);
walk.forEach((id, place) => {
  target(id).dataset.of = id;
  target(id).setAttribute("role", "button");
  target(id).setAttribute("tabindex", place === 0 ? "0" : "-1");
});

function drawNetwork() {
  const { columns, layers } = data.stages[state.stage];
  network.classList.toggle("choosing", state.show !== null);
  for (const [id, unit] of Object.entries(data.units)) {
    const known = readings(id);
    for (const slot of ["in", "out"]) {
      const found = known.get(slot);
      element(id).querySelector(`.${slot}`).textContent = found ? found.sign + found.value : "";
    }
    element(id).classList.toggle("now", columns.includes(unit.column));
    element(id).classList.toggle("chosen", state.show === id);
    const said = [...known.values()].map(({ name, value }) => `${name} ${value}`);
    label(id, [`${unit.name}, ${unit.of}`, ...said]);
  }
  drawMaps();
  for (const [id, edge] of Object.entries(data.edges)) {
    const found = readings(id).get("label");
    const text = element(`${id}-label`);
    if (text && found) text.textContent = found.sign + found.value;
    const drawn = element(id);
    drawn.classList.toggle("now", layers.includes(data.units[edge.start].column));
    drawn.classList.toggle("chosen", [id, edge.start, edge.end].includes(state.show));
    label(id, [nameOf(id), ...(found ? [`${found.name} ${found.value}`] : [])]);
  }
}

// Of each map, the picture of this row that was computed last; and the windows of the chosen unit, or of the first ones.
function drawMaps() {
  for (const map of network.querySelectorAll(".unit.map")) {
    let latest = null;
    for (const image of map.querySelectorAll("image")) {
      image.setAttribute("visibility", "hidden");
      const { stage, row } = image.dataset;
      if (Number(row) === state.row && Number(stage) <= state.stage) latest = image;
    }
    // After the step, only the inputs of the network are known.
    if (state.stage === lastStage && !map.id.startsWith("u0-")) latest = null;
    latest?.setAttribute("visibility", "visible");
  }
  for (const windows of network.querySelectorAll(".windows")) {
    windows.classList.toggle("chosen", windows.dataset.end === state.show);
  }
}

function label(id, words) {
  target(id).setAttribute("aria-label", words.join(", "));
  target(id).setAttribute("aria-pressed", String(state.show === id));
}

function drawStage() {
  const stage = data.stages[state.stage];
  element("stage-title").textContent = `${state.stage + 1} of ${lastStage + 1}: ${stage.title}`;
  element("formulas").replaceChildren(...stage.formulas.map((formula) => made("li", formula)));
  element("words").textContent = stage.words[state.row];
  element("note").textContent = stage.note;
  element("first").disabled = element("previous").disabled = state.stage === 0;
  element("next").disabled = state.stage === lastStage;
  document.querySelectorAll("#stages button").forEach((button, place) => {
    if (place === state.stage) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
  });
}

function drawPanel() {
  let shown;
  let hint;
  if (state.show) {
    // A unit is shown with its incoming edges, and the outgoing ones that pass its error back.
    const edges = Object.keys(data.edges).filter((id) => {
      const { start, end } = data.edges[id];
      return end === state.show || start === state.show;
    });
    shown = isEdge(state.show) ? [state.show] : [state.show, ...edges];
    element("panel-title").textContent = nameOf(state.show);
    const old = state.stage === lastStage;
    hint = old ? "Everything computed for it before and in the step." : "Everything known at this stage.";
    hint += " Escape returns to the stage.";
  } else {
    shown = [...Object.keys(data.units), ...Object.keys(data.edges)];
    element("panel-title").textContent = "Computed in this stage";
    hint = "Choose a neuron or a line in the drawing to see its own arithmetic.";
  }
  const found = shown
    .map((id) => {
      const all = lines(id);
      // Except for the chosen unit, only lines of this stage are shown.
      return [id, id === state.show ? all : all.filter(({ now }) => now)];
    })
    .filter(([, all]) => all.length > 0);
  const most = state.show ? Infinity : MOST_SHOWN;
  element("lines").replaceChildren(...found.slice(0, most).map(([id, all]) => {
    const group = made("div");
    group.append(made("dt", nameOf(id)));
    for (const { words, now } of all) {
      const line = made("dd");
      line.append(...terms(words));
      if (now) line.className = "now";
      group.append(line);
    }
    return group;
  }));
  if (found.length === 0) hint = "Not computed yet at this stage.";
  if (found.length > most) {
    hint += ` ${found.length - most} more are computed in this stage: choose a neuron that they lead to, or see the`;
    hint += " tables below.";
  }
  element("panel-hint").textContent = hint;
}

// Line of arithmetic that may break before a sign but not after it, nor within a product that fits on a line. A longer
// product may break before a dot.
const FACTOR = String.raw`(?:\([^()]*\)\S*|[^\s=+←]\S*)`;
const TERM = new RegExp(`((?:[=+←] )?${FACTOR}(?: [·/] ${FACTOR})+|[=+←] ${FACTOR})`);
function terms(words) {
  return words.split(TERM).map((part, place) => {
    if (place % 2 === 0) return part;
    const [first, ...others] = part.split(" · ");
    return together(first, ...others.flatMap((factor) => [" ", together(`· ${factor}`)]));
  });
}

function together(...parts) {
  const term = made("span");
  term.className = "term";
  term.append(...parts);
  return term;
}

function made(tag, text = "") {
  const created = document.createElement(tag);
  created.textContent = text;
  return created;
}

function draw() {
  drawNetwork();
  drawStage();
  drawPanel();
  if (element("row")) element("row").value = String(state.row);
  const place = { stage: state.stage, row: state.row, ...(state.show ? { show: state.show } : {}) };
  history.replaceState(null, "", `#${new URLSearchParams(place)}`);
}

function go(stage) {
  state.stage = Math.min(Math.max(stage, 0), lastStage);
  draw();
  const { columns, layers } = data.stages[state.stage];
  const main = layers.length > 0 ? columns[0] : columns.at(-1); // for predictions and loss, the loss
  reveal([...layers, ...columns], columns, [main]);
}

// If the drawing is wider than its box, scroll columns to the middle: the first choice that fits, or the last.
function reveal(...choices) {
  const view = element("view");
  const frame = view.getBoundingClientRect();
  const bounds = choices.map((columns) => {
    const boxes = columns.map((column) => element(`column-${column}`)?.getBoundingClientRect()).filter(Boolean);
    return [Math.min(...boxes.map(({ left }) => left)), Math.max(...boxes.map(({ right }) => right))];
  });
  const [left, right] = bounds.find((bound) => bound[1] - bound[0] <= frame.width) ?? bounds.at(-1);
  const spare = (frame.width - (right - left)) / 2;
  if (!Number.isFinite(left)) return;
  view.scrollLeft += left - frame.left - (spare >= 0 ? spare : FADE);
  // Near an end of the drawing, scroll to it, so that nothing fades at that side.
  const end = view.scrollWidth - view.clientWidth;
  if (view.scrollLeft <= spare) view.scrollLeft = 0;
  else if (end - view.scrollLeft <= spare) view.scrollLeft = end;
}

// Fade the sides where the drawing continues.
function fade() {
  const view = element("view");
  view.classList.toggle("more-left", view.scrollLeft > 1);
  view.classList.toggle("more-right", view.scrollLeft + view.clientWidth < view.scrollWidth - 1);
}

function choose(id) {
  state.show = id;
  draw();
}

// The single unit or edge in the tab order.
function focus(id) {
  walk.forEach((other) => target(other).setAttribute("tabindex", other === id ? "0" : "-1"));
  target(id).focus();
}

// The fragment is read at the start, and when the user edits it.
function readAddress() {
  const place = new URLSearchParams(location.hash.slice(1));
  const whole = (name, most) => Math.min(Math.max(Number.parseInt(place.get(name) ?? "0", 10) || 0, 0), most);
  const show = place.get("show");
  state.row = whole("row", data.rows.length - 1);
  state.show = walk.includes(show) ? show : null;
  go(whole("stage", lastStage));
  if (state.show) {
    const { start, end } = data.edges[state.show] ?? { start: state.show, end: state.show };
    const shown = [start, end].map((id) => data.units[id].column);
    reveal([...data.stages[state.stage].columns, ...shown], shown);
  }
}

element("first").addEventListener("click", () => go(0));
element("previous").addEventListener("click", () => go(state.stage - 1));
element("next").addEventListener("click", () => go(state.stage + 1));
element("stages").addEventListener("click", ({ target: { dataset } }) => {
  if (dataset.stage) go(Number(dataset.stage));
});
element("row")?.addEventListener("change", ({ target: { value } }) => {
  state.row = Number(value);
  draw();
});
network.addEventListener("click", (event) => {
  const id = event.target.closest("[data-of]")?.dataset.of;
  if (!id) return;
  focus(id);
  choose(state.show === id ? null : id);
});
document.addEventListener("keydown", (event) => {
  // The list of rows and scrolling tables use left and right themselves.
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("select, #account")) return;
  const focused = event.target.dataset?.of;
  const actions = {
    ArrowRight: () => go(state.stage + 1),
    ArrowLeft: () => go(state.stage - 1),
    Escape: () => choose(null),
  };
  if (focused) {
    const next = (by) => () => focus(walk[(walk.indexOf(focused) + by + walk.length) % walk.length]);
    const toggle = () => choose(state.show === focused ? null : focused);
    Object.assign(actions, { ArrowDown: next(1), ArrowUp: next(-1), Enter: toggle, " ": toggle });
  }
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
window.addEventListener("hashchange", readAddress);
window.addEventListener("resize", fade);
element("view").addEventListener("scroll", fade);

element("controls").hidden = element("panel").hidden = false;
readAddress();
fade();

// Values under the pointer, one after another with the arrow keys, or all of them as a table.
for (const figure of document.querySelectorAll("figure.chart")) {
  const series = JSON.parse(figure.dataset.points);
  const svg = figure.querySelector("svg");
  const cursor = svg.querySelector(".cursor");
  const output = figure.querySelector("output");
  let current = [0, -1];

  const show = ([which, index]) => {
    current = [which, index];
    const [px, py, x] = series[which].points[index];
    cursor.setAttribute("visibility", "visible");
    cursor.querySelector("line").setAttribute("x1", px);
    cursor.querySelector("line").setAttribute("x2", px);
    cursor.querySelector("circle").setAttribute("cx", px);
    cursor.querySelector("circle").setAttribute("cy", py);
    const values = series.flatMap(({ name, points }, other) => {
      const point = other === which ? points[index] : points.find((candidate) => candidate[2] === x);
      return point ? [`${name}: ${point[3]}`] : [];
    });
    output.textContent = `${figure.dataset.x} ${x} — ${values.join(", ")}`;
  };

  const hide = () => {
    cursor.setAttribute("visibility", "hidden");
    output.textContent = "";
  };

  const showNearest = (event) => {
    const box = svg.getBoundingClientRect();
    const factor = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * factor;
    const y = (event.clientY - box.top) * factor;
    let best = null;
    let least = Infinity;
    series.forEach(({ points }, which) => points.forEach(([px, py], index) => {
      const distance = (px - x) ** 2 + 0.2 * (py - y) ** 2;
      if (distance < least) [least, best] = [distance, [which, index]];
    }));
    if (best) show(best);
  };
  svg.addEventListener("pointermove", showNearest);
  svg.addEventListener("pointerdown", showNearest);
  svg.addEventListener("pointerleave", ({ pointerType }) => {
    if (pointerType === "mouse") hide(); // a finger leaves as soon as it is lifted
  });
  figure.addEventListener("blur", hide);
  figure.addEventListener("keydown", (event) => {
    if (event.target !== figure) return;
    if (event.key === "Escape") hide();
    const [which, index] = current;
    const far = { Home: -Infinity, End: Infinity }[event.key];
    const move = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!move && far === undefined) return;
    const [down, along] = move ?? [0, far];
    const next = (which + down + series.length) % series.length;
    const last = series[next].points.length - 1;
    if (last < 0) return;
    event.preventDefault();
    show([next, Math.min(Math.max(index + along, 0), last)]);
  });

  const element = (name, text = "", properties = {}) =>
    Object.assign(document.createElement(name), { textContent: text, ...properties });
  const details = element("details");
  details.append(element("summary", "Values"));
  details.addEventListener("toggle", () => {
    if (!details.open || details.querySelector("table")) return;
    const table = element("table");
    const head = table.createTHead().insertRow();
    for (const label of ["curve", figure.dataset.x, figure.dataset.y]) head.append(element("th", label, { scope: "col" }));
    const body = table.createTBody();
    for (const { name, points } of series) {
      for (const [, , x, y] of points) {
        const row = body.insertRow();
        row.append(element("th", name, { scope: "row" }), element("td", x), element("td", y));
      }
    }
    const box = element("div", "", { className: "wide values", tabIndex: 0 });
    box.append(table);
    details.append(box);
  });
  figure.append(details);
}

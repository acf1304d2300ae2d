// Values under the pointer, or one after another with the arrow keys.
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

  svg.addEventListener("pointermove", (event) => {
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
  });
  svg.addEventListener("pointerleave", hide);
  figure.addEventListener("blur", hide);
  figure.addEventListener("keydown", (event) => {
    const [which, index] = current;
    const move = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (!move) return;
    const next = (which + move[0] + series.length) % series.length;
    const last = series[next].points.length - 1;
    if (last < 0) return;
    event.preventDefault();
    show([next, Math.min(Math.max(index + move[1], 0), last)]);
  });
}

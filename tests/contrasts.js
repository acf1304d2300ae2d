// The contrast of every text that is shown (WCAG 2.2, "contrast ratio") with the backgrounds behind it, or with paper.
(onPaper) => {
  const pencil = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const mixed = (colours) => {
    pencil.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      pencil.fillStyle = colour;
      pencil.fillRect(0, 0, 1, 1);
    }
    return [...pencil.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((value) => value / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const known = new Map();
  const shown = (...colours) => {
    const key = colours.join();
    if (!known.has(key)) known.set(key, luminance(mixed(colours)));
    return known.get(key);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility({ visibilityProperty: true })) continue;
    const behind = [];
    for (let at = element; at && !onPaper; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const style = getComputedStyle(element);
    const ink = element instanceof SVGElement ? style.fill : style.color;
    const [low, high] = [shown("white", ...behind), shown("white", ...behind, ink)].sort((a, b) => a - b);
    found.push({ text, contrast: (high + 0.05) / (low + 0.05) });
  }
  return found;
}

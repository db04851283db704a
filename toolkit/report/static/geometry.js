// Where things are in a scene, and what is at a point of it.
(function (R) {
  const { H, PORT } = R.cards;
  const CELL = 256;
  const MOST_EDGES = 600; // with more of them nobody can aim at one

  /** Cards by cell of a coarse grid: hit tests and culling look at a few cells only. */
  function gridIndex(cards) {
    const cells = new Map();
    cards.forEach((c, i) => {
      for (let x = Math.floor(c.x / CELL); x <= Math.floor((c.x + c.w) / CELL); x++)
        for (let y = Math.floor(c.y / CELL); y <= Math.floor((c.y + c.h) / CELL); y++) {
          const key = x + "," + y;
          if (!cells.has(key)) cells.set(key, []);
          cells.get(key).push(i);
        }
    });
    return (x, y) => {
      for (const i of cells.get(Math.floor(x / CELL) + "," + Math.floor(y / CELL)) || []) {
        const c = cards[i];
        if (x >= c.x && x <= c.x + c.w && y >= c.y && y <= c.y + c.h) return i;
      }
      return -1;
    };
  }

  const portY = (card, port) => (port < 0 || port >= card.ports.length ? card.y + H / 2 : card.y + H + port * PORT + PORT / 2);

  function ends(scene, edge) {
    const a = scene.cards[edge.from];
    const b = scene.cards[edge.to];
    return [a.x + a.w, portY(a, edge.fromPort ?? -1), b.x, portY(b, edge.toPort ?? -1)];
  }

  /** How far an edge's curve reaches out at both ends. */
  const bendOf = (x0, x1) => Math.min(160, Math.max(30, Math.abs(x1 - x0) * 0.5));

  /** The edge that passes within `reach` of a point, or -1. */
  function edgeAt(scene, x, y, reach) {
    if (scene.edges.length > MOST_EDGES) return -1;
    let best = -1;
    let nearest = reach;
    scene.edges.forEach((edge, e) => {
      const [x0, y0, x1, y1] = ends(scene, edge);
      const bend = bendOf(x0, x1);
      if (x < Math.min(x0, x1) - bend || x > Math.max(x0, x1) + bend) return;
      for (let s = 0; s <= 24; s++) {
        const t = s / 24;
        const u = 1 - t;
        const bx = u * u * u * x0 + 3 * u * u * t * (x0 + bend) + 3 * u * t * t * (x1 - bend) + t * t * t * x1;
        const by = u * u * u * y0 + 3 * u * u * t * y0 + 3 * u * t * t * y1 + t * t * t * y1;
        const d = Math.hypot(bx - x, by - y);
        if (d < nearest) { nearest = d; best = e; }
      }
    });
    return best;
  }

  /** What is at a point: `{card, port, edge}` with -1 for "not that", or null. */
  function hitTest(scene, hit, x, y, reach) {
    const card = hit(x, y);
    if (card >= 0) {
      const c = scene.cards[card];
      const port = c.ports.length ? Math.floor((y - c.y - H) / PORT) : -1;
      return { card, port: port >= 0 && port < c.ports.length ? port : -1, edge: -1 };
    }
    const edge = edgeAt(scene, x, y, reach);
    return edge < 0 ? null : { card: -1, port: -1, edge };
  }

  R.geometry = { gridIndex, hitTest, portY, ends, bendOf };
})(globalThis.Report);

// Places for a visible part of the graph. The whole graph is laid out in Python
// (toolkit/report/page/layout.py); this packs a selection, a collapsed graph or a trace, guided
// by where Python put the assets, so that the same things stand in the same order.
(function (R) {
  const LAYER_GAP = 70;
  const LEAST_GAP = 40;
  const ROW_GAP = 12;
  const MAX_GAP = 56;
  const SWEEPS = 8;

  /**
   * @param {{id: number, hint: number, row: number, w: number, h: number, members?: Object[]}[]} items
   *        hint: mean layer in the whole graph, row: mean row there
   * @param {[number, number][]} links  places in `items`, from left to right
   * @returns items, each with x and y (top left) and layer
   */
  function place(items, links) {
    const n = items.length;
    const order = items.map((_, i) => i).sort((a, b) => items[a].hint - items[b].hint || items[a].row - items[b].row || a - b);
    const rank = new Int32Array(n);
    order.forEach((i, r) => (rank[i] = r));
    // Groups can read each other in a circle; only links that go forward in this order count.
    const forward = links.filter(([a, b]) => rank[a] < rank[b]);
    const parents = items.map(() => []);
    const children = items.map(() => []);
    for (const [a, b] of forward) { parents[b].push(a); children[a].push(b); }
    const layer = new Int32Array(n);
    for (const i of order) for (const p of parents[i]) layer[i] = Math.max(layer[i], layer[p] + 1);
    for (const i of order) {
      if (!parents[i].length && children[i].length) layer[i] = Math.min(...children[i].map((c) => layer[c])) - 1;
    }
    if (items.some((item) => item.members)) flatten(items, layer);
    const linked = order.filter((i) => parents[i].length || children[i].length);
    const columns = [];
    for (const i of linked) (columns[layer[i]] ||= []).push(i);
    for (let l = 0; l < columns.length; l++) columns[l] ||= [];
    sweep(items, columns, parents, children);
    closeGaps(items, linked);
    const bottom = settle(items, columns);
    grid(items, order.filter((i) => !parents[i].length && !children[i].length), columns.length, bottom);
    return items;
  }

  /**
   * Groups that read each other in circles would stand one behind the other, in a row far longer
   * than the graph is deep. Then each stands where its members do on average.
   */
  function flatten(items, layer) {
    if (Math.max(...layer) < 8 + 2 * Math.sqrt(items.length)) return;
    const places = items.map((item) => Math.round(item.hint));
    const taken = [...new Set(places)].sort((a, b) => a - b);
    places.forEach((place, i) => (layer[i] = taken.indexOf(place)));
  }

  function sweep(items, columns, parents, children) {
    const middle = (i) => items[i].y + items[i].h / 2;
    for (const column of columns) {
      column.sort((a, b) => items[a].row - items[b].row || a - b);
      spread(items, column, column.map((_, k) => k * 56));
    }
    for (let s = 0; s <= SWEEPS; s++) {
      const last = s === SWEEPS;
      const forward = s % 2 === 0;
      for (const column of forward ? columns : [...columns].reverse()) {
        const wish = new Map();
        for (const i of column) {
          const near = last ? [...parents[i], ...children[i]] : forward ? parents[i] : children[i];
          wish.set(i, near.length ? near.reduce((sum, o) => sum + middle(o), 0) / near.length : middle(i));
        }
        if (!last) column.sort((a, b) => wish.get(a) - wish.get(b) || middle(a) - middle(b) || a - b);
        spread(items, column, column.map((i) => wish.get(i)));
      }
    }
  }

  /** Tops nearest to the wished middles that keep order and distance: isotonic regression. */
  function spread(items, column, wishes) {
    const offsets = [];
    let offset = 0;
    column.forEach((i, k) => {
      if (k) offset += (items[column[k - 1]].h + items[i].h) / 2 + ROW_GAP;
      offsets.push(offset);
    });
    const pools = [];
    wishes.forEach((wish, k) => {
      let total = wish - offsets[k];
      let size = 1;
      while (pools.length && pools[pools.length - 1][0] / pools[pools.length - 1][1] > total / size) {
        const [t, m] = pools.pop();
        total += t;
        size += m;
      }
      pools.push([total, size]);
    });
    let k = 0;
    for (const [total, size] of pools) {
      for (let m = 0; m < size; m++, k++) items[column[k]].y = total / size + offsets[k] - items[column[k]].h / 2;
    }
  }

  /** Bands in which nothing stands are made narrow. */
  function closeGaps(items, linked) {
    let bottom = -Infinity;
    let shift = 0;
    for (const i of [...linked].sort((a, b) => items[a].y - items[b].y)) {
      if (items[i].y - bottom > MAX_GAP) shift += bottom === -Infinity ? 0 : items[i].y - bottom - MAX_GAP;
      bottom = Math.max(bottom, items[i].y + items[i].h);
      items[i].y -= shift;
    }
  }

  function settle(items, columns) {
    let top = Infinity;
    for (const column of columns) for (const i of column) top = Math.min(top, items[i].y);
    let x = 0;
    let bottom = 0;
    columns.forEach((column, l) => {
      let width = 0;
      for (const i of column) {
        items[i].x = x;
        items[i].y = Math.round(items[i].y - top);
        items[i].layer = l;
        width = Math.max(width, items[i].w);
        bottom = Math.max(bottom, items[i].y + items[i].h);
      }
      x += width + LAYER_GAP;
    });
    return bottom;
  }

  /** What is not linked to anything stands in rows under the rest. */
  function grid(items, alone, layers, bottom) {
    const width = Math.max(layers, Math.round(Math.sqrt(alone.length) / 1.5), 1);
    let y = bottom ? bottom + 40 : 0;
    for (let k = 0; k < alone.length; k += width) {
      const row = alone.slice(k, k + width);
      row.forEach((i, c) => Object.assign(items[i], { x: c * (items[i].w + LAYER_GAP), y, layer: c }));
      y += Math.max(...row.map((i) => items[i].h)) + ROW_GAP;
    }
  }

  R.layout = { place, LAYER_GAP, LEAST_GAP, ROW_GAP };
})(globalThis.Report);

// SQL as it is shown: lines with numbers, and the parts marked that make one column.
(function (R) {
  const CUT = "…"; // how a text ends that was too long for the report

  function lineStarts(text) {
    const starts = [0];
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
    return starts;
  }

  /** Where a part stands: on its line (1-based, 0 for "not known"), else where it is the only one. */
  function find(text, part, line) {
    const wanted = part.endsWith(CUT) ? part.slice(0, -1) : part;
    if (!wanted) return null;
    const starts = lineStarts(text);
    if (line > 0 && line <= starts.length) {
      const at = text.indexOf(wanted, starts[line - 1]);
      if (at >= 0 && at < (starts[line] ?? text.length)) return [at, at + wanted.length];
    }
    const at = text.indexOf(wanted);
    return at >= 0 && text.indexOf(wanted, at + 1) < 0 ? [at, at + wanted.length] : null;
  }

  /** Every place where a name stands as a whole word, in any case. */
  function words(text, name) {
    const wanted = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    if (!wanted) return [];
    return Array.from(text.matchAll(new RegExp(`(?<![\\w$])${wanted}(?![\\w$])`, "gi")), (found) => [found.index, found.index + found[0].length]);
  }

  /**
   * What of a text makes a column: its expressions, those in CTEs too. A column that is only
   * copied has none; then its name, wherever it stands.
   * @returns {{ranges: number[][], copied: boolean}}
   */
  function marks(model, column, text) {
    const found = [];
    const { from } = R.graph.neighbours(model, column);
    for (const edge of from) {
      const places = [...edge.inner.map((step) => find(text, step.text, 0)), edge.expression ? find(text, edge.expression, edge.line) : null];
      found.push(...places.filter(Boolean));
    }
    const copied = from.length > 0 && from.every((edge) => !edge.expression);
    return { ranges: merged(copied ? words(text, model.columns.name(column)) : found), copied };
  }

  /** Ranges in order, those that touch as one. */
  function merged(ranges) {
    const made = [];
    for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
      const last = made[made.length - 1];
      if (last && from <= last[1]) last[1] = Math.max(last[1], to);
      else made.push([from, to]);
    }
    return made;
  }

  /** A text as lines of pieces: `[[[piece, marked], ...], ...]`. */
  function lines(text, ranges) {
    const made = [[]];
    const add = (piece, marked) => piece.split("\n").forEach((part, i) => {
      if (i) made.push([]);
      if (part) made[made.length - 1].push([part, marked]);
    });
    let at = 0;
    for (const [from, to] of ranges) {
      add(text.slice(at, from), false);
      add(text.slice(from, to), true);
      at = to;
    }
    add(text.slice(at), false);
    return made;
  }

  /** The text in a box of its own, scrolled to what makes the column; for a copy that is the last place. */
  function block(text, { ranges, copied }) {
    const { h } = R.dom;
    const box = h("pre.sql", { tabindex: "0" }, lines(text.replace(/\n+$/, ""), ranges).map((pieces) =>
      h("span.line", null, pieces.map(([piece, marked]) => (marked ? h("mark", null, piece) : piece)))));
    const all = box.querySelectorAll("mark");
    const first = all[copied ? all.length - 1 : 0];
    if (first) requestAnimationFrame(() => (box.scrollTop = first.offsetTop - 60));
    return box;
  }

  /** The section of an asset's or a column's page; empty until the texts are decoded. */
  function section(app, asset, column = -1) {
    const { h, fill, copy } = R.dom;
    const host = h("div");
    app.texts().then((texts) => {
      const known = [["source", texts.raw[asset.i]], ["compiled", texts.compiled[asset.i]]].filter(([, text]) => text);
      if (!known.length) return;
      const bar = h("div.choice", { role: "group", "aria-label": "SQL" });
      const code = h("div");
      const choose = (chosen) => {
        const text = known.find(([name]) => name === chosen)[1];
        fill(code, block(text, column < 0 ? { ranges: [], copied: false } : marks(app.model, column, text)));
        fill(bar, known.map(([name]) => h("button", { "aria-pressed": String(name === chosen), onclick: () => choose(name) }, name)),
          h("button", { onclick: (e) => copy(text, e.currentTarget) }, "Copy"));
      };
      choose(known[known.length - 1][0]);
      host.append(R.ui.section("SQL", bar, code));
    });
    return host;
  }

  R.sql = { find, words, marks, lines, section };
})(globalThis.Report);

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

  /** The last place on a line where a whole word stands, in any case. */
  function findWord(text, word, line) {
    const starts = lineStarts(text);
    if (!(line > 0 && line <= starts.length)) return null;
    const said = text.slice(starts[line - 1], starts[line] ?? text.length);
    const name = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const found = [...said.matchAll(new RegExp(`(?<![\\w$])${name}(?![\\w$])`, "gi"))].pop();
    return found ? [starts[line - 1] + found.index, starts[line - 1] + found.index + word.length] : null;
  }

  /** What of a text makes a column: expressions, those in CTEs too, and for a copy the name. */
  function marks(model, column, text) {
    const found = [];
    const name = model.columns.name(column);
    for (const edge of R.graph.neighbours(model, column).from) {
      const place = edge.expression ? find(text, edge.expression, edge.line)
        : findWord(text, name, edge.line) || findWord(text, model.columns.name(edge.column), edge.line);
      if (place) found.push(place);
      for (const step of edge.inner) {
        const inner = find(text, step.text, 0);
        if (inner) found.push(inner);
      }
    }
    return merged(found);
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

  /** The text in a box of its own, scrolled to its first mark. */
  function block(text, ranges) {
    const { h } = R.dom;
    const box = h("pre.sql", { tabindex: "0" }, lines(text.replace(/\n+$/, ""), ranges).map((pieces) =>
      h("span.line", null, pieces.map(([piece, marked]) => (marked ? h("mark", null, piece) : piece)))));
    const first = box.querySelector("mark");
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
        fill(code, block(text, column < 0 ? [] : marks(app.model, column, text)));
        fill(bar, known.map(([name]) => h("button", { "aria-pressed": String(name === chosen), onclick: () => choose(name) }, name)),
          h("button", { onclick: (e) => copy(text, e.currentTarget) }, "Copy"));
      };
      choose(known[known.length - 1][0]);
      host.append(R.ui.section("SQL", bar, code));
    });
    return host;
  }

  R.sql = { find, findWord, marks, lines, section };
})(globalThis.Report);

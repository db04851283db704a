// Numbers from run to run as a small line: each point says its value and its run.
(function (R) {
  const WIDTH = 150;
  const HEIGHT = 30;
  const PAD = 4;
  const MOST_SHARE = 10; // above this a share of the value before says nothing

  /** Places of values in a box. What never changed stands in the middle; gaps (null) stay gaps. */
  function places(values, width = WIDTH, height = HEIGHT) {
    const known = values.filter((v) => v != null);
    const [least, most] = [Math.min(...known), Math.max(...known)];
    const x = (i) => (values.length > 1 ? PAD + (i / (values.length - 1)) * (width - 2 * PAD) : width - PAD);
    const y = (v) => (most === least ? height / 2 : height - PAD - ((v - least) / (most - least)) * (height - 2 * PAD));
    return values.map((v, i) => (v == null ? null : [x(i), y(v)]));
  }

  /** How the last value differs from the one before: "+37 (+3.7%)"; nothing where it does not. */
  function change(values, say) {
    const known = values.filter((v) => v != null);
    const [before, last] = known.slice(-2);
    if (known.length < 2 || before === last) return "";
    const sign = last > before ? "+" : "−";
    const share = Math.abs((last - before) / before);
    return sign + say(Math.abs(last - before)) + (share <= MOST_SHARE ? ` (${sign}${(share * 100).toFixed(1)}%)` : "");
  }

  /**
   * @param {{value: number|null, title: string, bad?: boolean}[]} points  in the order of time
   * @param {string} label  what a screen reader says of it
   */
  function line(points, label) {
    const { svg } = R.dom;
    const at = places(points.map((p) => p.value));
    const d = at.map((p, i) => (p ? `${i && at[i - 1] ? "L" : "M"}${p[0].toFixed(1)} ${p[1].toFixed(1)}` : "")).join("");
    const last = at.findLastIndex((p) => p);
    const marks = at.flatMap((p, i) => (p ? [mark(points[i], p, i === last)] : []));
    return svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, class: "spark", role: "img", "aria-label": R.format.plain(label) },
      svg("path", { d, class: "run" }), ...marks);
  }

  /** A point; a failed one is a cross, so that it is seen without its colour. */
  function mark(point, [x, y], last) {
    const { svg } = R.dom;
    const title = svg("title", {}, R.format.plain(point.title));
    if (point.bad) return svg("path", { d: `M${x - 3} ${y - 3}l6 6m0-6l-6 6`, class: "bad" }, title);
    return svg("circle", { cx: x, cy: y, r: last ? 3 : 2, class: last ? "last" : "" }, title);
  }

  R.spark = { places, change, line };
})(globalThis.Report);

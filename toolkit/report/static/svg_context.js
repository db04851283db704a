// A drawing surface that writes SVG: what canvas.js and gantt_canvas.js draw, as a file.
// It knows the part of CanvasRenderingContext2D that these two use.
(function (R) {
  const START = {
    fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, font: "400 12px sans-serif", textBaseline: "alphabetic",
    globalAlpha: 1, lineCap: "butt", lineJoin: "miter", dash: [], matrix: [1, 0, 0, 1, 0, 0], clipped: null,
  };
  const BASELINE = { middle: 0.35, top: 0.8, alphabetic: 0 }; // of a letter's size, below the point
  const n = (value) => String(Math.round(value * 100) / 100);
  const escape = (text) => R.format.plain(text).replace(/[&<>"']/g, (c) => `&#${c.codePointAt(0)};`);

  class SvgContext {
    fillStyle = START.fillStyle;
    strokeStyle = START.strokeStyle;
    lineWidth = START.lineWidth;
    font = START.font;
    textBaseline = START.textBaseline;
    globalAlpha = START.globalAlpha;
    lineCap = START.lineCap;
    lineJoin = START.lineJoin;
    dash = START.dash;
    matrix = START.matrix;
    clipped = START.clipped;
    parts = []; // of the document
    defs = [];
    kept = []; // by save()
    d = ""; // the path so far

    /** @param {(text: string, font: string) => {width: number}} measure */
    constructor(width, height, measure) {
      this.width = width;
      this.height = height;
      this.measure = measure;
    }

    save() { this.kept.push(Object.fromEntries(Object.keys(START).map((name) => [name, this[name]]))); }
    restore() { Object.assign(this, this.kept.pop()); }
    setTransform(...matrix) { this.matrix = matrix; }
    setLineDash(dash) { this.dash = dash; }
    translate(x, y) {
      const [a, b, c, d, e, f] = this.matrix;
      this.matrix = [a, b, c, d, e + a * x + c * y, f + b * x + d * y];
    }
    scale(x, y) {
      const [a, b, c, d, e, f] = this.matrix;
      this.matrix = [a * x, b * x, c * y, d * y, e, f];
    }
    measureText(text) { return this.measure(text, this.font); }
    clearRect() {}

    beginPath() { this.d = ""; }
    moveTo(x, y) { this.d += `M${n(x)} ${n(y)}`; }
    lineTo(x, y) { this.d += `L${n(x)} ${n(y)}`; }
    bezierCurveTo(...p) { this.d += "C" + p.map(n).join(" "); }
    rect(x, y, w, h) { this.d += `M${n(x)} ${n(y)}h${n(w)}v${n(h)}h${n(-w)}z`; }
    /** A whole circle: nothing else is drawn with it here. */
    arc(x, y, r) { this.d += `M${n(x - r)} ${n(y)}a${n(r)} ${n(r)} 0 1 0 ${n(2 * r)} 0a${n(r)} ${n(r)} 0 1 0 ${n(-2 * r)} 0z`; }
    roundRect(x, y, w, h, radii) {
      const asked = Array.isArray(radii) ? radii : [radii, radii, radii, radii];
      const most = Math.min(1, ...[w, h, w, h].map((side, i) => side / ((asked[i] + asked[(i + 1) % 4]) || 1e-9)));
      const [a, b, c, d] = asked.map((r) => r * most); // corners share a side that is too short for them
      const turn = (r, dx, dy) => (r ? `a${n(r)} ${n(r)} 0 0 1 ${n(dx)} ${n(dy)}` : "");
      this.d += `M${n(x + a)} ${n(y)}h${n(w - a - b)}${turn(b, b, b)}v${n(h - b - c)}${turn(c, -c, c)}h${n(c + d - w)}${turn(d, -d, -d)}v${n(d + a - h)}${turn(a, a, -a)}z`;
    }
    clip() {
      const id = `c${this.defs.length}`;
      this.defs.push(`<clipPath id="${id}"><path d="${this.d}"${this.transform()}/></clipPath>`);
      this.clipped = id;
    }

    fill() { this.add(`<path d="${this.d}" fill="${escape(this.fillStyle)}"`, "/>"); }
    stroke(icon) {
      const dash = this.dash.length ? ` stroke-dasharray="${this.dash.map(n).join(" ")}"` : "";
      const round = this.lineCap === "butt" ? "" : ` stroke-linecap="${this.lineCap}" stroke-linejoin="${this.lineJoin}"`;
      this.add(`<path d="${icon ? icon.d : this.d}" fill="none" stroke="${escape(this.strokeStyle)}" stroke-width="${n(this.lineWidth)}"${dash}${round}`, "/>");
    }
    fillRect(x, y, w, h) { this.add(`<rect x="${n(x)}" y="${n(y)}" width="${n(w)}" height="${n(h)}" fill="${escape(this.fillStyle)}"`, "/>"); }
    strokeRect(x, y, w, h) {
      this.d = "";
      this.rect(x, y, w, h);
      this.stroke();
    }
    fillText(text, x, y) {
      const [, weight, size, family] = /^(\S+) ([\d.]+)px (.*)$/s.exec(this.font);
      const down = BASELINE[this.textBaseline] * Number(size);
      this.add(`<text x="${n(x)}" y="${n(y + down)}" font-family="${escape(family)}" font-size="${n(Number(size))}" font-weight="${weight}" fill="${escape(this.fillStyle)}" xml:space="preserve"`, `>${escape(text)}</text>`);
    }

    transform() {
      const same = this.matrix.every((v, i) => v === START.matrix[i]);
      return same ? "" : ` transform="matrix(${this.matrix.map((v) => String(Math.round(v * 1e4) / 1e4)).join(" ")})"`;
    }

    add(begin, end) {
      const alpha = this.globalAlpha === 1 ? "" : ` opacity="${n(this.globalAlpha)}"`;
      const part = begin + alpha + this.transform() + end;
      this.parts.push(this.clipped ? `<g clip-path="url(#${this.clipped})">${part}</g>` : part);
    }

    /** The picture as a document of its own, on a ground of one colour. */
    document(title, ground) {
      const [w, h] = [n(this.width), n(this.height)];
      return [`<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}">`, `<title>${escape(title)}</title>`,
        this.defs.length ? `<defs>${this.defs.join("")}</defs>` : "", `<rect width="${w}" height="${h}" fill="${escape(ground)}"/>`, ...this.parts, "</svg>", ""].join("\n");
    }
  }

  const icons = new Map();
  /** An icon as a canvas can stroke it, with its path for an SVG. */
  function icon(name) {
    if (!icons.has(name)) {
      const d = R.icons.PATHS[name] || R.icons.PATHS.model;
      icons.set(name, Object.assign(new Path2D(d), { d }));
    }
    return icons.get(name);
  }

  /** How wide a text is in a font, by a canvas that nobody sees. */
  function measure() {
    const g = document.createElement("canvas").getContext("2d");
    return (text, font) => {
      g.font = font;
      return g.measureText(text);
    };
  }

  R.svg = { SvgContext, icon, measure };
})(globalThis.Report);

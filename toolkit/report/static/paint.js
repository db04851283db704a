// Draws a scene: bands of tools, edges, and cards as dots, bars or in full, by their size on the
// screen. On whatever surface it is given: a canvas, or svg_context.js for a file.
(function (R) {
  const { H, PORT } = R.cards;
  const { portY, ends, bendOf } = R.geometry;
  const DOTS_BELOW = 0.28; // below this a name could not be read
  const MARGIN = 28; // px around a picture that becomes a file
  const HEAD = 20; // px more above it, for the bands' names

  class Painter extends R.camera.Camera {
    model = null;
    root = -1; // the column that is traced
    colors = {};
    font = "sans-serif";
    mono = "monospace";
    ratio = 1; // pixels of the canvas for one of the page

    /** Everything but what is lit. */
    paint(g) {
      this.world(g);
      this.drawLanes(g);
      this.drawEdges(g, this.scene.edges);
      this.drawCards(g, this.scene.cards);
    }

    /** All of the scene in its full size, as an SVG document. */
    svg(title) {
      const { box } = this.scene;
      const sheet = Object.create(this);
      const camera = { x: box.x0 - MARGIN, y: box.y0 - MARGIN - HEAD, k: 1 };
      Object.assign(sheet, { camera, ratio: 1, width: box.x1 - box.x0 + 2 * MARGIN, height: box.y1 - box.y0 + 2 * MARGIN + HEAD });
      const surface = new R.svg.SvgContext(sheet.width, sheet.height, R.svg.measure());
      sheet.paint(surface);
      return surface.document(title, this.colors.bg);
    }

    world(g) {
      const { x, y, k } = this.camera;
      const s = k * this.ratio;
      g.setTransform(s, 0, 0, s, -x * s, -y * s);
    }

    visible(c) {
      const { x, y, k } = this.camera;
      return c.x + c.w >= x && c.x <= x + this.width / k && c.y + c.h >= y && c.y <= y + this.height / k;
    }

    drawLanes(g) {
      const { camera: { y, k }, colors } = this;
      const size = 11 / k;
      const margin = Math.max(12, Math.min(24, this.scene.gap / 2 - 6));
      g.font = `600 ${size}px ${this.font}`;
      g.textBaseline = "top";
      for (const lane of this.scene.lanes) {
        const x0 = lane.x0 - margin;
        const width = lane.x1 - lane.x0 + 2 * margin;
        g.globalAlpha = 0.05;
        g.fillStyle = colors["tool-" + lane.hue];
        g.fillRect(x0, y, width, this.height / k);
        if (width * k < 40) continue;
        g.globalAlpha = 1;
        g.fillText(R.icons.toolName(lane.tool), x0 + 12 / k, y + 8 / k);
      }
      g.globalAlpha = 1;
    }

    path(g, edge, far) {
      const [x0, y0, x1, y1] = ends(this.scene, edge);
      g.moveTo(x0, y0);
      if (far) return g.lineTo(x1, y1);
      const bend = bendOf(x0, x1);
      return g.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
    }

    /** Edges by style; quiet ones in as few strokes as there are styles. */
    drawEdges(g, edges, lit) {
      const { camera: { x, y, k }, colors } = this;
      const x2 = x + this.width / k;
      const y2 = y + this.height / k;
      const styles = new Map();
      for (const edge of edges) {
        const [ax, ay, bx, by] = ends(this.scene, edge);
        if (Math.max(ax, bx) < x || Math.min(ax, bx) > x2 || Math.max(ay, by) < y || Math.min(ay, by) > y2) continue;
        if (!styles.has(edge.style)) styles.set(edge.style, []);
        styles.get(edge.style).push(edge);
      }
      for (const [style, list] of styles) {
        const far = k < 0.25 || list.length > 2500;
        g.beginPath();
        for (const edge of list) this.path(g, edge, far);
        const quiet = style === "quiet";
        g.lineWidth = (lit ? 1.6 : quiet ? 1 : 1.3) / Math.max(k, 0.4);
        if (far && quiet) g.lineWidth = 0.8 / k;
        g.setLineDash(style === "indirect" ? [5, 4] : style === "opaque" ? [1.5, 4] : []);
        g.strokeStyle = style === "opaque" ? colors["state-skipped"] : quiet && !lit ? colors.edge : colors.accent;
        g.globalAlpha = far && quiet && list.length > 800 && !lit ? 0.45 : 1;
        g.stroke();
      }
      g.setLineDash([]);
      g.globalAlpha = 1;
    }

    drawCards(g, cards) {
      const { k } = this.camera;
      for (const c of cards) {
        if (!this.visible(c)) continue;
        if (k < DOTS_BELOW) this.drawDot(g, c);
        else if (k < 0.5) this.drawBar(g, c);
        else this.drawCard(g, c);
      }
    }

    drawDot(g, c) {
      const bad = c.state === "failed" || c.state === "stale";
      g.fillStyle = bad ? this.colors[c.state === "failed" ? "state-error" : "state-stale"] : this.colors["tool-" + c.hue];
      g.globalAlpha = bad ? 1 : 0.7;
      if (bad) g.fillRect(c.x - 4, c.y - 4, c.w + 8, H + 8); // larger: seen without its colour, too
      else g.fillRect(c.x, c.y + 4, c.w, H - 8);
      g.globalAlpha = 1;
    }

    box(g, c) {
      g.beginPath();
      g.roundRect(c.x, c.y, c.w, c.h, 6);
      g.fillStyle = this.colors.card;
      g.fill();
      g.lineWidth = 1;
      g.strokeStyle = this.colors.line;
      g.stroke();
      if (c.members) {
        g.beginPath();
        g.roundRect(c.x + 3, c.y + c.h, c.w - 6, 3, [0, 0, 4, 4]);
        g.stroke();
      }
      if (!c.state) return;
      g.fillStyle = this.colors["state-" + R.icons.outcome(c.state)];
      g.beginPath();
      g.roundRect(c.x, c.y, 3, c.h, [6, 0, 0, 6]);
      g.fill();
    }

    drawBar(g, c) {
      this.box(g, c);
      const size = Math.min(28, 9.5 / this.camera.k);
      g.font = `600 ${size}px ${this.font}`;
      g.textBaseline = "middle";
      g.fillStyle = this.colors["tool-" + c.hue];
      g.fillRect(c.x + 10, c.y + H / 2 - 6, 12, 12);
      g.fillStyle = this.colors.text;
      const bad = c.state === "failed" || c.state === "stale";
      const room = c.w - (bad ? 56 : 34);
      if (bad) this.stroke(g, R.icons.GLYPH[R.icons.outcome(c.state)], c.x + c.w - 24, c.y + H / 2 - 9, 1.15, this.colors["state-" + R.icons.outcome(c.state)], 2.2);
      const middle = c.y + H / 2 + 0.5;
      const lines = H * this.camera.k >= 16 && g.measureText(c.title).width > room ? this.twoLines(g, c.title, room) : null;
      if (!lines) return g.fillText(this.fitText(g, c.title, room, size), c.x + 28, middle);
      const small = size * 0.86;
      g.font = `600 ${small}px ${this.font}`;
      return lines.forEach((line, i) => g.fillText(this.fitText(g, line, room, small), c.x + 28, middle + (i - 0.5) * small * 1.05));
    }

    /** A long name in two, after a mark in it; null where there is no such place. */
    twoLines(g, text, room) {
      let cut = 0;
      for (const mark of text.matchAll(/[_.\-\s]/g)) if (g.measureText(text.slice(0, mark.index + 1)).width <= room) cut = mark.index + 1;
      return cut ? [text.slice(0, cut), text.slice(cut)] : null;
    }

    drawCard(g, c) {
      const { colors } = this;
      this.box(g, c);
      g.fillStyle = colors["tool-" + c.hue];
      g.globalAlpha = 0.13;
      g.beginPath();
      g.roundRect(c.x + 10, c.y + 10, 24, 24, 5);
      g.fill();
      g.globalAlpha = 1;
      this.stroke(g, c.icon, c.x + 14, c.y + 14, 1, colors["tool-" + c.hue], 1.3);
      g.textBaseline = "alphabetic";
      let size = this.textSize(12, 9, 15);
      g.font = `600 ${size}px ${this.font}`;
      const wide = g.measureText(c.title).width;
      if (wide > c.w - 48 && size > 12) {  // the whole name is worth more than its size
        size = Math.max(12, (size * (c.w - 50)) / wide);
        g.font = `600 ${size}px ${this.font}`;
      }
      g.fillStyle = colors.text;
      g.fillText(this.fitText(g, c.title, c.w - 48, size), c.x + 42, c.y + 19);
      const outcome = c.state ? R.icons.outcome(c.state) : null;
      let x = c.x + 42;
      if (outcome) {
        this.stroke(g, R.icons.GLYPH[outcome], x - 1, c.y + 25, 0.68, colors["state-" + outcome], 2);
        x += 14;
      }
      const small = this.textSize(11, 8.5, 13);
      g.font = `400 ${small}px ${this.font}`;
      g.fillStyle = c.state === "failed" ? colors["state-error"] : colors.muted;
      g.fillText(this.fitText(g, R.format.plain(c.line), c.x + c.w - 8 - x, small), x, c.y + 35);
      if (c.ports.length) this.drawPorts(g, c);
    }

    stroke(g, name, x, y, scale, color, width) {
      g.save();
      g.translate(x, y);
      g.scale(scale, scale);
      g.strokeStyle = color;
      g.lineWidth = width;
      g.lineCap = g.lineJoin = "round";
      g.stroke(R.svg.icon(name));
      g.restore();
    }

    drawPorts(g, c, only) {
      const { colors } = this;
      const { model } = this;
      g.font = `400 ${this.textSize(11, 8.5, 14)}px ${this.mono}`;
      g.textBaseline = "middle";
      if (!only) {
        g.strokeStyle = colors.line;
        g.beginPath();
        g.moveTo(c.x + 3, c.y + H);
        g.lineTo(c.x + c.w, c.y + H);
        g.stroke();
      }
      c.ports.forEach((column, p) => {
        if (only && !only.has(column)) return;
        const y = portY(c, p);
        const strong = only || column === this.root;
        if (strong) {
          g.fillStyle = colors.accent;
          g.globalAlpha = 0.14;
          g.fillRect(c.x + 3, y - PORT / 2, c.w - 3, PORT);
          g.globalAlpha = 1;
        }
        g.fillStyle = strong ? colors.accent : colors.text;
        g.fillText(this.fitText(g, R.format.plain(model.columns.name(column)), c.w - 24, 11), c.x + 14, y);
        g.fillStyle = strong ? colors.accent : colors.edge;
        for (const x of [c.x, c.x + c.w]) {
          g.beginPath();
          g.arc(x, y, 2.5, 0, 7);
          g.fill();
        }
      });
      if (c.more && !only) {
        g.fillStyle = colors.muted;
        g.fillText(`${c.more} more`, c.x + 14, c.y + H + c.ports.length * PORT + PORT / 2);
      }
    }

    /** Letters that grow a little against the cards as these get smaller, to stay readable. */
    textSize(usual, least, most) {
      return Math.min(most, Math.max(usual, least / this.camera.k));
    }

    /** The text, or as much of its two ends as has room. Widths are estimated once a font. */
    fitText(g, text, room, size) {
      if (text.length * size * 0.36 <= room && g.measureText(text).width <= room) return text;
      const letter = g.measureText("abcdefghijklmnop_rst").width / 20;
      let letters = Math.max(2, Math.floor(room / letter));
      while (letters > 2 && g.measureText(R.format.middle(text, letters)).width > room) letters--;
      return R.format.middle(text, letters);
    }
  }

  R.paint = { Painter };
})(globalThis.Report);

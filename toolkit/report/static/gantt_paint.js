// Draws the rows of a run that are seen, and only those: labels, bars, waits, the critical path.
(function (R) {
  const { duration, middle, plain } = R.format;
  const { took, tick, tickSaid } = R.gantt;
  const ROW = 20;
  const AXIS = 24;
  const TAIL = 90; // px after the last end, for what is written there
  const SHEET = 1200; // px that a file is wide at least

  class GanttPainter {
    scene = null; // of R.gantt.rows, with `path`: rows of the critical path
    host = { scrollTop: 0, scrollLeft: 0 };
    width = 0;
    height = 0;
    zoomed = 1;
    selected = -1;
    colors = {};
    font = "sans-serif";
    every = 1; // seconds between two ticks
    marks = []; // of the ticks that are seen: px, seconds

    get gutter() { return Math.max(96, Math.min(280, this.width * 0.3)); }
    /** px for a second */
    get scale() { return (Math.max(60, this.width - this.gutter - TAIL) * this.zoomed) / (this.scene.until - this.scene.from); }
    x(at) { return this.gutter + (at - this.scene.from) * this.scale - this.host.scrollLeft; }
    y(row) { return AXIS + row * ROW - this.host.scrollTop; }

    /** All rows from the begin to the end, as an SVG document. */
    svg(title) {
      const sheet = Object.create(this);
      const height = AXIS + this.scene.rows.length * ROW + 8;
      Object.assign(sheet, { width: Math.max(SHEET, this.width), height, zoomed: 1, host: { scrollTop: 0, scrollLeft: 0 }, selected: -1 });
      const surface = new R.svg.SvgContext(sheet.width, height, R.svg.measure());
      sheet.paint(surface);
      return surface.document(title, this.colors.bg);
    }

    /** What is between the first and the last row that can be seen; which these are. */
    paint(g) {
      const { rows } = this.scene;
      const first = Math.max(0, Math.floor(this.host.scrollTop / ROW));
      const last = Math.min(rows.length, Math.ceil((this.host.scrollTop + this.height - AXIS) / ROW));
      g.save();
      g.beginPath();
      g.rect(this.gutter, 0, this.width - this.gutter, this.height);
      g.clip();
      this.drawTicks(g);
      this.drawPath(g);
      for (let row = first; row < last; row++) if (rows[row].step) this.drawBar(g, rows[row].step, row);
      g.restore();
      for (let row = first; row < last; row++) this.drawLabel(g, rows[row], row);
      this.drawAxis(g);
      return { first, last };
    }

    drawTicks(g) {
      const { scale, scene: { from, until } } = this;
      const every = (this.every = tick(76 / scale));
      const begin = Math.max(0, Math.floor(this.host.scrollLeft / scale / every));
      this.marks = [];
      g.fillStyle = this.colors.line;
      for (let n = begin; ; n++) {
        const x = this.x(from + n * every);
        if (x > this.width || n * every > (until - from) * 1.2 + every) break;
        this.marks.push([x, n * every]);
        g.fillRect(Math.round(x), AXIS, 1, this.height);
      }
    }

    drawAxis(g) {
      const { colors } = this;
      g.fillStyle = colors.bg;
      g.fillRect(0, 0, this.width, AXIS);
      g.fillStyle = colors.line;
      g.fillRect(0, AXIS - 1, this.width, 1);
      g.fillRect(Math.round(this.gutter) - 1, 0, 1, this.height);
      g.font = `400 11px ${this.font}`;
      g.textBaseline = "middle";
      g.fillStyle = colors.muted;
      for (const [x, seconds] of this.marks) if (x >= this.gutter - 1) g.fillText(tickSaid(seconds, this.every), x + 4, AXIS / 2);
    }

    /** The wait as a dashed line, the bar, and beside it in words what the colour says. */
    drawBar(g, step, row) {
      const { colors } = this;
      const y = this.y(row);
      const middleY = y + ROW / 2;
      if (row === this.selected) this.band(g, this.gutter, y);
      g.font = `400 11px ${this.font}`;
      g.textBaseline = "middle";
      if (step.started_at == null) {
        g.fillStyle = colors.muted;
        g.fillText(this.cut(g, step.message || step.status, this.width - this.gutter - 12), this.gutter + 6, middleY);
        return;
      }
      const kind = R.icons.outcome(step.status);
      const x = this.x(step.started_at);
      const end = step.finished_at ?? this.scene.until;
      const width = Math.max(2, (end - step.started_at) * this.scale);
      if (x > this.width || x + width < this.gutter) {
        g.fillStyle = colors.muted; // which way it is
        g.fillText(x > this.width ? "›" : "‹", x > this.width ? this.width - 12 : this.gutter + 5, middleY);
        return;
      }
      if (step.waited) {
        g.strokeStyle = colors.muted;
        g.setLineDash([2, 3]);
        g.beginPath();
        g.moveTo(Math.max(0, x - step.waited * this.scale), middleY);
        g.lineTo(x, middleY);
        g.stroke();
        g.setLineDash([]);
      }
      g.fillStyle = colors["state-" + kind];
      g.beginPath();
      g.roundRect(x, y + 4, width, ROW - 8, Math.min(3, width / 2));
      g.fill();
      if (kind === "error" || kind === "skipped") this.hatch(g, x, y + 4, width);
      if (step.critical) {
        g.strokeStyle = colors.text;
        g.lineWidth = 1.5;
        g.strokeRect(x - 1, y + 3, width + 2, ROW - 6);
        g.lineWidth = 1;
      }
      g.fillStyle = kind === "ok" ? colors.muted : colors["state-" + kind];
      const words = [duration(took(step)), kind === "ok" ? null : step.status, step.attempts > 1 ? `attempt ${step.attempts}` : null];
      g.fillText(plain(words.filter(Boolean).join("  ")).slice(0, 60), x + width + 6, middleY);
    }

    /** Stripes: a failure is seen without its colour, too. */
    hatch(g, x, y, width) {
      const height = ROW - 8;
      const from = Math.max(x, this.gutter - height);
      const to = Math.min(x + width, this.width);
      g.save();
      g.beginPath();
      g.rect(x, y, width, height);
      g.clip();
      g.strokeStyle = this.colors.bg;
      g.beginPath();
      for (let at = from - (from % 6) - height; at < to; at += 6) {
        g.moveTo(at, y + height);
        g.lineTo(at + height, y);
      }
      g.stroke();
      g.restore();
    }

    /** From the end of each step of the critical path to the row of the next one. */
    drawPath(g) {
      const { rows, path } = this.scene;
      g.strokeStyle = this.colors.text;
      g.beginPath();
      for (let n = 1; n < path.length; n++) {
        const [a, b] = [path[n - 1], path[n]];
        const [ya, yb] = [this.y(a) + ROW / 2, this.y(b) + ROW / 2];
        if (Math.max(ya, yb) < 0 || Math.min(ya, yb) > this.height) continue;
        const x = Math.round(this.x(rows[a].step.finished_at)) - 0.5;
        const down = yb > ya;
        g.moveTo(x, ya + (down ? ROW / 2 - 3 : 3 - ROW / 2));
        g.lineTo(x, yb);
      }
      g.stroke();
    }

    drawLabel(g, row, number) {
      const { colors, gutter } = this;
      const y = this.y(number);
      const middleY = y + ROW / 2 + 0.5;
      g.textBaseline = "middle";
      if (row.head !== undefined) {
        g.font = `600 12px ${this.font}`;
        g.fillStyle = colors["tool-" + R.icons.hue({ tool: row.head, kind: "" })];
        g.fillText(this.cut(g, `${R.icons.toolName(row.head)}  ${row.count}`, gutter - 16), 8, middleY);
        return;
      }
      const { step } = row;
      if (number === this.selected) this.band(g, 0, y);
      const kind = R.icons.outcome(step.status);
      g.save();
      g.translate(8, y + 4);
      g.scale(0.75, 0.75);
      g.strokeStyle = colors["state-" + kind];
      g.lineWidth = 2;
      g.stroke(R.svg.icon(step.status === "skipped" ? "skipped" : R.icons.GLYPH[kind]));
      g.restore();
      g.font = `${step.critical ? 600 : 400} 12px ${this.font}`;
      g.fillStyle = colors.text;
      g.fillText(this.cut(g, step.name, gutter - 32 - (step.critical ? 14 : 0)), 24, middleY);
      if (!step.critical) return;
      g.beginPath(); // a diamond at the gutter's edge
      const x = gutter - 11;
      g.moveTo(x, middleY - 4.5);
      g.lineTo(x + 4.5, middleY);
      g.lineTo(x, middleY + 4.5);
      g.lineTo(x - 4.5, middleY);
      g.fill();
    }

    band(g, x, y) {
      g.globalAlpha = 0.14;
      g.fillStyle = this.colors.accent;
      g.fillRect(x, y, x ? this.width : this.gutter, ROW);
      g.globalAlpha = 1;
    }

    cut(g, text, room) {
      const shown = plain(text.length > 300 ? text.slice(0, 300) : text).replace(/\s+/g, " ");
      if (g.measureText(shown).width <= room) return shown;
      let letters = Math.max(2, Math.floor((room / g.measureText(shown).width) * shown.length));
      while (letters > 2 && g.measureText(middle(shown, letters)).width > room) letters--;
      return middle(shown, letters);
    }
  }

  R.ganttPaint = { GanttPainter, ROW, AXIS, TAIL };
})(globalThis.Report);

// The graph on two canvases: one with everything, one above it with what is lit.
// When a frame is expensive the last picture is moved and scaled until the hand rests.
(function (R) {
  const { H, PORT } = R.cards;
  const { gridIndex, hitTest, portY, ends, bendOf } = R.geometry;
  const SLOW = 10; // ms of drawing above which gestures move the picture first
  const DOTS_BELOW = 0.28; // below this a name could not be read
  const ICONS = {};
  const iconPath = (name) => (ICONS[name] ||= new Path2D(R.icons.PATHS[name] || R.icons.PATHS.model));

  class GraphCanvas extends R.camera.Camera {
    /**
     * @param {HTMLElement} host
     * @param {{pick: Function, hover: Function, moved: Function}} on
     *        pick(card, port, event), hover({card, port, edge} | null, x, y), moved(camera)
     */
    constructor(host, on) {
      super();
      this.host = host;
      this.on = on;
      this.base = R.dom.h("canvas.base", { "aria-hidden": "true" });
      this.top = R.dom.h("canvas.top", { tabindex: "0", role: "application" });
      host.append(this.base, this.top);
      this.scene = null;
      this.camera = { x: 0, y: 0, k: 1 };
      this.lit = null;
      this.dim = false;
      this.frameTime = 0;
      this.listen();
      this.resizer = new ResizeObserver(() => this.resize() && this.reopen());
      this.resizer.observe(host);
      this.refreshColors();
    }

    destroy() {
      this.resizer.disconnect();
      cancelAnimationFrame(this.pending);
      clearTimeout(this.rest);
    }

    refreshColors() {
      this.colors = R.ui.colors();
      this.font = getComputedStyle(this.host).fontFamily;
      this.mono = R.ui.monoFont(this.host);
      this.invalidate();
    }

    setScene(scene) {
      this.scene = scene;
      this.hit = gridIndex(scene.cards);
      this.lit = null;
      if (!this.width) this.resize();
    }

    /** What the top canvas shows: sets of card and edge numbers, ports; null for nothing. */
    light(lit, dim) {
      this.lit = lit;
      this.dim = !!dim;
      this.base.classList.toggle("dim", this.dim);
      this.drawTop();
    }

    resize() {
      const { width, height } = this.host.getBoundingClientRect();
      if (this.printing || (width === this.width && height === this.height)) return false;
      // The table below the picture comes and goes: what is in the middle stays there.
      if (this.height) this.camera.y += (this.height - height) / 2 / this.camera.k;
      this.size(width, height, Math.min(window.devicePixelRatio || 1, 2));
      this.draw();
      return true;
    }

    size(width, height, ratio) {
      Object.assign(this, { width, height, ratio });
      for (const canvas of [this.base, this.top]) {
        canvas.width = Math.round(width * this.ratio);
        canvas.height = Math.round(height * this.ratio);
      }
    }

    moved() {
      this.touched = true;
      this.invalidate(true);
      this.on.moved(this.camera);
    }

    invalidate(gesture) {
      this.gesture = !!gesture;
      if (this.pending) return;
      this.pending = requestAnimationFrame(() => {
        this.pending = 0;
        if (this.gesture && this.frameTime > SLOW && this.picture) {
          this.movePicture();
          clearTimeout(this.rest);
          this.rest = setTimeout(() => this.draw(), 90);
        } else this.draw();
      });
    }

    movePicture() {
      const { camera, picture, ratio } = this;
      const g = this.base.getContext("2d");
      g.setTransform(1, 0, 0, 1, 0, 0);
      g.clearRect(0, 0, this.base.width, this.base.height);
      const s = camera.k / picture.k;
      g.drawImage(picture.canvas, (picture.x - camera.x) * camera.k * ratio, (picture.y - camera.y) * camera.k * ratio,
        picture.canvas.width * s, picture.canvas.height * s);
      this.drawTop();
    }

    draw() {
      if (!this.scene || !this.width) return;
      const start = performance.now();
      const g = this.base.getContext("2d");
      g.setTransform(1, 0, 0, 1, 0, 0);
      g.clearRect(0, 0, this.base.width, this.base.height);
      this.world(g);
      this.drawLanes(g);
      this.drawEdges(g, this.scene.edges);
      this.drawCards(g, this.scene.cards);
      this.frameTime = performance.now() - start;
      if (this.frameTime > SLOW) this.keepPicture();
      this.drawTop();
    }

    keepPicture() {
      this.picture ||= { canvas: document.createElement("canvas") };
      const { canvas } = this.picture;
      canvas.width = this.base.width;
      canvas.height = this.base.height;
      canvas.getContext("2d").drawImage(this.base, 0, 0);
      Object.assign(this.picture, this.camera);
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
      g.fillRect(c.x, c.y + 4, c.w, H - 8);
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
      const room = c.w - 34;
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
      g.stroke(iconPath(name));
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

    drawTop() {
      const g = this.top.getContext("2d");
      g.setTransform(1, 0, 0, 1, 0, 0);
      g.clearRect(0, 0, this.top.width, this.top.height);
      const { lit, scene } = this;
      if (!lit || !scene) return;
      this.world(g);
      this.drawEdges(g, [...lit.edges].map((e) => scene.edges[e]), true);
      this.drawCards(g, [...lit.cards].map((i) => scene.cards[i]));
      const near = this.camera.k >= 0.5;
      if (lit.columns && near) for (const i of lit.cards) if (scene.cards[i].ports.length) this.drawPorts(g, scene.cards[i], lit.columns);
      g.strokeStyle = this.colors.accent;
      for (const i of lit.ring || []) {
        const c = scene.cards[i];
        g.lineWidth = 2 / Math.min(1, this.camera.k * 1.4);
        g.beginPath();
        g.roundRect(c.x, c.y, c.w, c.h, 6);
        g.stroke();
      }
    }

    /** What is under a point of the canvas: a card (and port), an edge, or nothing. */
    at(px, py) {
      if (!this.scene) return null;
      const { x, y, k } = this.camera;
      return hitTest(this.scene, this.hit, x + px / k, y + py / k, 6 / k);
    }

    listen() {
      const { top } = this;
      let down = null;
      const place = (e) => { const r = top.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };
      top.addEventListener("pointerdown", (e) => {
        if (e.button !== 0) return;
        down = { x: e.clientX, y: e.clientY, moved: false };
        top.setPointerCapture(e.pointerId);
      });
      top.addEventListener("pointermove", (e) => {
        if (down) {
          const dx = e.clientX - down.x;
          const dy = e.clientY - down.y;
          if (!down.moved && Math.hypot(dx, dy) < 4) return;
          down = { x: e.clientX, y: e.clientY, moved: true };
          top.classList.add("dragging");
          this.pan(dx, dy);
          return;
        }
        const [x, y] = place(e);
        const hit = this.at(x, y);
        top.classList.toggle("over", !!hit);
        this.on.hover(hit, x, y);
      });
      top.addEventListener("pointerup", (e) => {
        top.classList.remove("dragging");
        if (down && !down.moved) this.on.pick(this.at(...place(e)), e);
        down = null;
      });
      top.addEventListener("pointerleave", () => this.on.hover(null));
      top.addEventListener("wheel", (e) => {
        e.preventDefault();
        const [x, y] = place(e);
        const lines = e.deltaMode === 1 ? 16 : 1;
        if (e.shiftKey) this.pan(-(e.deltaX || e.deltaY) * lines, 0);
        else this.zoom(Math.exp(-e.deltaY * lines * (e.ctrlKey ? 0.01 : 0.0016)), x, y);
      }, { passive: false });
    }
  }

  R.canvas = { GraphCanvas };
})(globalThis.Report);

// The graph on two canvases: one with everything, one above it with what is lit.
// When a frame is expensive the last picture is moved and scaled until the hand rests.
(function (R) {
  const { gridIndex, hitTest } = R.geometry;
  const SLOW = 10; // ms of drawing above which gestures move the picture first

  class GraphCanvas extends R.paint.Painter {
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
      this.glides = null;
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
      this.glimpse(() => {
        this.paint(g);
        this.frameTime = performance.now() - start;
        if (this.frameTime > SLOW) this.keepPicture();
        this.paintTop();
      });
      if (this.glides) this.invalidate();
    }

    /** Draw from where the picture is now, which may still be on its way to the camera. */
    glimpse(draw) {
      const aim = this.camera;
      this.camera = this.shown();
      draw();
      this.camera = aim;
    }

    drawTop() { this.glimpse(() => this.paintTop()); }

    keepPicture() {
      this.picture ||= { canvas: document.createElement("canvas") };
      const { canvas } = this.picture;
      canvas.width = this.base.width;
      canvas.height = this.base.height;
      canvas.getContext("2d").drawImage(this.base, 0, 0);
      Object.assign(this.picture, this.camera);
    }

    paintTop() {
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

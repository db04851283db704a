// A run's picture in the window: size, zoom, pointing. The browser scrolls; the canvas stays in place.
(function (R) {
  const { h, fill } = R.dom;
  const { ROW, AXIS, TAIL } = R.ganttPaint;
  const MOST = 4000; // times that the picture can be wider than the window

  class GanttCanvas extends R.ganttPaint.GanttPainter {
    /**
     * @param {HTMLElement} host
     * @param {{pick: Function, point: Function}} on  pick(row), point(row | -1, x, y)
     */
    constructor(host, on) {
      super();
      this.host = host;
      this.on = on;
      this.canvas = h("canvas.run-canvas", { "aria-hidden": "true" });
      this.spacer = h("div.run-spacer", { "aria-hidden": "true" });
      fill(host, this.canvas, this.spacer);
      host.addEventListener("scroll", () => this.invalidate());
      host.addEventListener("pointermove", (e) => this.on.point(this.rowAt(e), ...this.place(e)));
      host.addEventListener("pointerleave", () => this.on.point(-1));
      host.addEventListener("click", (e) => { const row = this.rowAt(e); if (row >= 0) this.on.pick(row); });
      host.addEventListener("wheel", (e) => {
        if (!e.ctrlKey && !e.metaKey) return;
        e.preventDefault();
        this.zoom(Math.exp(-e.deltaY * (e.deltaMode === 1 ? 16 : 1) * 0.004), this.place(e)[0]);
      }, { passive: false });
      this.resizer = new ResizeObserver(() => this.resize());
      this.resizer.observe(host);
      this.refreshColors();
    }

    destroy() {
      this.resizer.disconnect();
      cancelAnimationFrame(this.pending);
    }

    refreshColors() {
      this.colors = R.ui.colors();
      this.font = getComputedStyle(this.host).fontFamily;
      this.invalidate();
    }

    /** @param {{rows: Object[], from: number, until: number}} scene  of R.gantt.rows, with `path`: rows of the critical path */
    show(scene) {
      this.scene = scene;
      this.selected = -1;
      this.resize();
    }

    resize() {
      const { clientWidth, clientHeight } = this.host;
      if (!this.scene || !clientWidth) return;
      Object.assign(this, { width: clientWidth, height: clientHeight, ratio: Math.min(devicePixelRatio || 1, 2) });
      this.canvas.width = Math.round(clientWidth * this.ratio);
      this.canvas.height = Math.round(clientHeight * this.ratio);
      this.canvas.style.setProperty("width", `${clientWidth}px`);
      this.canvas.style.setProperty("height", `${clientHeight}px`);
      this.space();
      this.draw();
    }

    /** As large as all of it would be; the canvas itself lies over its upper left corner. */
    space() {
      const width = this.gutter + (this.scene.until - this.scene.from) * this.scale + TAIL;
      this.spacer.style.setProperty("width", `${this.zoomed > 1 ? width : this.width}px`);
      this.spacer.style.setProperty("height", `${AXIS + this.scene.rows.length * ROW + 8 - this.height}px`);
    }

    /** In or out round a point of the window. */
    zoom(factor, px = (this.width + this.gutter) / 2) {
      const point = Math.max(px, this.gutter) - this.gutter;
      const at = (this.host.scrollLeft + point) / this.scale;
      this.zoomed = Math.min(MOST, Math.max(1, this.zoomed * factor));
      this.space();
      this.host.scrollLeft = at * this.scale - point;
      this.invalidate();
    }

    fit() {
      this.zoomed = 1;
      this.space();
      this.host.scrollLeft = 0;
      this.invalidate();
    }

    /** Select a row and bring it, and where its bar begins, into view. */
    select(row) {
      this.selected = row;
      const { step } = this.scene.rows[row];
      const top = row * ROW;
      if (top < this.host.scrollTop) this.host.scrollTop = top;
      else if (top + ROW + AXIS > this.host.scrollTop + this.height) this.host.scrollTop = top + ROW + AXIS - this.height;
      if (step.started_at != null) {
        const x = this.x(step.started_at);
        if (x < this.gutter || x > this.width - 40) this.host.scrollLeft += x - this.gutter - 20;
      }
      this.invalidate();
    }

    place(e) {
      const box = this.host.getBoundingClientRect();
      return [e.clientX - box.left, e.clientY - box.top];
    }

    /** The step's row under the pointer, or -1. */
    rowAt(e) {
      const [, y] = this.place(e);
      if (y < AXIS || y > this.height || !this.scene) return -1;
      const row = Math.floor((y - AXIS + this.host.scrollTop) / ROW);
      return this.scene.rows[row] && this.scene.rows[row].step ? row : -1;
    }

    invalidate() {
      if (this.pending || !this.scene || !this.width) return;
      this.pending = requestAnimationFrame(() => { this.pending = 0; this.draw(); });
    }

    draw() {
      const g = this.canvas.getContext("2d");
      g.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      g.clearRect(0, 0, this.width, this.height);
      this.drawn = this.paint(g);
    }

  }

  R.ganttCanvas = { GanttCanvas };
})(globalThis.Report);

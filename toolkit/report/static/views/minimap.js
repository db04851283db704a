// The small map at the lower right: where in the whole graph the window is. A press goes there.
(function (R) {
  const WIDTH = 160;
  const HEIGHT = 110;
  const PAD = 6;
  const LEAST_STAGE = 320; // px; a lower window has no room for it

  class Minimap {
    constructor(canvas) {
      this.canvas = canvas;
      this.element = R.dom.h("canvas.minimap", { "aria-hidden": "true", onpointerdown: (e) => this.jump(e) });
    }

    draw() {
      const { canvas, element } = this;
      const { scene } = canvas;
      element.hidden = !(scene && canvas.width && scene.cards.length > 1 && canvas.height > LEAST_STAGE && !canvas.whole());
      if (element.hidden) return;
      const ratio = canvas.ratio || 1;
      element.width = WIDTH * ratio;
      element.height = HEIGHT * ratio;
      const { box } = scene;
      const s = Math.min((WIDTH - 2 * PAD) / (box.x1 - box.x0), (HEIGHT - 2 * PAD) / (box.y1 - box.y0));
      this.s = s;
      this.x = box.x0 - (WIDTH / s - (box.x1 - box.x0)) / 2;
      this.y = box.y0 - (HEIGHT / s - (box.y1 - box.y0)) / 2;
      const g = element.getContext("2d");
      g.setTransform(s * ratio, 0, 0, s * ratio, -this.x * s * ratio, -this.y * s * ratio);
      const least = 1.2 / s;
      g.fillStyle = canvas.colors["state-skipped"];
      for (const c of scene.cards) g.fillRect(c.x, c.y, Math.max(c.w, least), Math.max(c.h * 0.8, least));
      const { x, y, k } = canvas.camera;
      g.strokeStyle = canvas.colors.accent;
      g.lineWidth = 1.5 / s;
      g.strokeRect(x, y, canvas.width / k, canvas.height / k);
    }

    jump(e) {
      const { canvas } = this;
      const r = this.element.getBoundingClientRect();
      canvas.camera.x = this.x + (e.clientX - r.left) / this.s - canvas.width / 2 / canvas.camera.k;
      canvas.camera.y = this.y + (e.clientY - r.top) / this.s - canvas.height / 2 / canvas.camera.k;
      canvas.moved();
    }
  }

  R.views.Minimap = Minimap;
})(globalThis.Report);

import type { CustomLayerInterface, CustomRenderMethodInput, Map as MapLibre } from 'maplibre-gl';
import type { Dots } from '../model/dots';
import { DOT_FRAGMENT, DOT_VERTEX, LINE_FRAGMENT, LINE_VERTEX } from './shaders';

const STRIDE = 8;
const LINE_STRIDE = 12;
/** Beyond this many mercator units (about 100 km) from the origin, positions are written again around a new one. */
const REBASE = 0.0025;

export interface DotColours {
  free: [number, number, number];
  busy: [number, number, number];
  near: [number, number, number];
  paper: [number, number, number];
}

/**
 * The moving people: one buffer, four draws of GL points (halo, stale, busy, free), and a quad for each near pair.
 * The GPU glides between two fixes, so a frame costs no CPU; frames are asked for only while something moves.
 */
export class DotsLayer implements CustomLayerInterface {
  readonly id = 'people';
  readonly type = 'custom' as const;
  readonly renderingMode = '2d' as const;
  /** Pairs to join by a line, as keys. */
  pairs: { a: number; b: number }[] = [];
  colours: DotColours;
  calm = false;

  private map: MapLibre | null = null;
  private dotProgram: Program | null = null;
  private lineProgram: Program | null = null;
  private dotArray: WebGLVertexArrayObject | null = null;
  private lineArray: WebGLVertexArrayObject | null = null;
  private dotBuffer: WebGLBuffer | null = null;
  private lineBuffer: WebGLBuffer | null = null;
  private cornerBuffer: WebGLBuffer | null = null;
  private data = new Float32Array(64 * STRIDE);
  private lines = new Float32Array(16 * LINE_STRIDE);
  private lineCount = 0;
  private dotRoom = 0;
  private lineRoom = 0;
  private origin = { x: 0.5, y: 0.5 };
  private epoch = performance.now();
  private waiting = false;
  private written = -1;
  private writtenPairs: unknown = null;

  constructor(
    private readonly dots: Dots,
    colours: DotColours,
  ) {
    this.colours = colours;
  }

  onAdd(map: MapLibre, gl: WebGL2RenderingContext) {
    this.map = map;
    this.dotProgram = new Program(gl, DOT_VERTEX, DOT_FRAGMENT);
    this.lineProgram = new Program(gl, LINE_VERTEX, LINE_FRAGMENT);
    this.dotBuffer = gl.createBuffer();
    this.dotArray = gl.createVertexArray();
    gl.bindVertexArray(this.dotArray);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.dotBuffer);
    this.dotProgram.attribute('a_track', 4, STRIDE, 0);
    this.dotProgram.attribute('a_timing', 2, STRIDE, 4);
    this.dotProgram.attribute('a_state', 2, STRIDE, 6);
    this.lineArray = gl.createVertexArray();
    this.cornerBuffer = gl.createBuffer();
    this.lineBuffer = gl.createBuffer();
    gl.bindVertexArray(this.lineArray);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.cornerBuffer);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, -1, 0, 1, 1, -1, 1, 1]), gl.STATIC_DRAW);
    this.lineProgram.attribute('a_corner', 2, 2, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.lineBuffer);
    this.lineProgram.attribute('a_track', 4, LINE_STRIDE, 0, 1);
    this.lineProgram.attribute('a_timing', 2, LINE_STRIDE, 4, 1);
    this.lineProgram.attribute('b_track', 4, LINE_STRIDE, 6, 1);
    this.lineProgram.attribute('b_timing', 2, LINE_STRIDE, 10, 1);
    gl.bindVertexArray(null);
    this.written = -1;
    this.dotRoom = this.lineRoom = 0;
  }

  onRemove(_map: MapLibre, gl: WebGL2RenderingContext) {
    for (const b of [this.dotBuffer, this.lineBuffer, this.cornerBuffer]) gl.deleteBuffer(b);
    gl.deleteVertexArray(this.dotArray);
    gl.deleteVertexArray(this.lineArray);
    this.dotProgram?.delete();
    this.lineProgram?.delete();
    this.map = null;
  }

  /** The radius of a dot in CSS pixels at a zoom: a speck over a city, a thumb's target on a street. */
  radius(zoom: number): number {
    const crowded = this.dots.count > 4_000 ? 0.78 : 1;
    const stops: [number, number][] = [
      [3, 2.4],
      [9, 2.8],
      [11, 4.6],
      [13, 6.6],
      [15, 9],
      [17, 11],
    ];
    if (zoom <= stops[0]![0]) return stops[0]![1] * crowded;
    for (let i = 1; i < stops.length; i++) {
      const [z1, r1] = stops[i]!;
      const [z0, r0] = stops[i - 1]!;
      if (zoom <= z1) return (r0 + ((r1 - r0) * (zoom - z0)) / (z1 - z0)) * crowded;
    }
    return stops.at(-1)![1] * crowded;
  }

  render(gl: WebGL2RenderingContext, input: CustomRenderMethodInput) {
    const map = this.map;
    if (!map || !this.dotProgram || !this.lineProgram) return;
    const now = performance.now();
    this.write(gl, map);
    if (this.dots.count === 0) return;

    const dpr = window.devicePixelRatio || 1;
    const seconds = (now - this.epoch) / 1000;
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.STENCIL_TEST);
    gl.disable(gl.CULL_FACE);

    const base = input.defaultProjectionData.mainMatrix as ArrayLike<number>;
    const bounds = map.getBounds();
    const west = Math.floor((bounds.getWest() + 180) / 360);
    const east = Math.floor((bounds.getEast() + 180) / 360);
    for (let copy = west; copy <= east && copy <= west + 3; copy++) {
      const matrix = shifted(base, this.origin.x + copy, this.origin.y);
      if (this.lineCount > 0 && map.getZoom() > 9) {
        const line = this.lineProgram;
        line.use();
        gl.bindVertexArray(this.lineArray);
        gl.uniformMatrix4fv(line.at('u_matrix'), false, matrix);
        gl.uniform1f(line.at('u_now'), seconds);
        gl.uniform2f(line.at('u_size'), gl.drawingBufferWidth, gl.drawingBufferHeight);
        gl.uniform1f(line.at('u_width'), 3.4 * dpr);
        gl.uniform3fv(line.at('u_near'), this.colours.near);
        gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.lineCount);
      }
      const dot = this.dotProgram;
      dot.use();
      gl.bindVertexArray(this.dotArray);
      gl.uniformMatrix4fv(dot.at('u_matrix'), false, matrix);
      gl.uniform1f(dot.at('u_now'), seconds);
      gl.uniform1f(dot.at('u_radius'), this.radius(map.getZoom()) * dpr);
      gl.uniform1f(dot.at('u_dpr'), dpr);
      gl.uniform1f(dot.at('u_halo'), map.getZoom() < 11 ? 1.5 : 2.15);
      gl.uniform1f(dot.at('u_pulse'), this.calm ? 0.4 : 0.5 + 0.5 * Math.sin(now / 600));
      gl.uniform3fv(dot.at('u_free'), this.colours.free);
      gl.uniform3fv(dot.at('u_busy'), this.colours.busy);
      gl.uniform3fv(dot.at('u_near'), this.colours.near);
      gl.uniform3fv(dot.at('u_paper'), this.colours.paper);
      for (const pass of [0, 1, 2, 3]) {
        gl.uniform1i(dot.at('u_pass'), pass);
        gl.drawArrays(gl.POINTS, 0, this.dots.count);
      }
    }
    gl.bindVertexArray(null);
    if (!this.calm && !document.hidden && now < this.dots.movingUntil) this.again(map);
  }

  /** Asks for the next frame no sooner than somebody has moved half a pixel: a walker seen from above needs few. */
  private again(map: MapLibre) {
    if (this.waiting) return;
    this.waiting = true;
    const pixelsPerMs = this.dots.fastest * 512 * 2 ** map.getZoom();
    const pause = Math.min(66, Math.max(0, 0.5 / Math.max(pixelsPerMs, 1e-6) - 4));
    setTimeout(() => {
      this.waiting = false;
      this.map?.triggerRepaint();
    }, pause);
  }

  /** Brings the buffers up to date, if anything has changed. */
  private write(gl: WebGL2RenderingContext, map: MapLibre) {
    const { dots } = this;
    const centre = map.getCenter();
    const cx = (centre.lng + 180) / 360;
    const s = Math.sin((Math.max(-85, Math.min(85, centre.lat)) * Math.PI) / 180);
    const cy = 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
    const wrapped = cx - Math.floor(cx);
    const far = Math.abs(wrapped - this.origin.x) > REBASE || Math.abs(cy - this.origin.y) > REBASE;
    if (dots.version === this.written && this.pairs === this.writtenPairs && !(far && map.getZoom() > 8))
      return;
    if (far) this.origin = { x: wrapped, y: cy };
    if (performance.now() - this.epoch > 3_600_000) this.epoch = performance.now();
    this.written = dots.version;
    this.writtenPairs = this.pairs;

    if (this.data.length < dots.count * STRIDE) this.data = new Float32Array(dots.keys.length * STRIDE);
    for (let i = 0, o = 0; i < dots.count; i++, o += STRIDE) {
      this.track(i, this.data, o);
      this.data[o + 6] = dots.flags[i]!;
      this.data[o + 7] = (dots.fixed[i]! - this.epoch) / 1000;
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, this.dotBuffer);
    if (this.dotRoom < this.data.length) {
      gl.bufferData(gl.ARRAY_BUFFER, this.data, gl.DYNAMIC_DRAW);
      this.dotRoom = this.data.length;
    } else gl.bufferSubData(gl.ARRAY_BUFFER, 0, this.data.subarray(0, dots.count * STRIDE));

    if (this.lines.length < this.pairs.length * LINE_STRIDE)
      this.lines = new Float32Array(this.pairs.length * 2 * LINE_STRIDE);
    this.lineCount = 0;
    for (const { a, b } of this.pairs) {
      const i = dots.slot(a);
      const j = dots.slot(b);
      if (i === undefined || j === undefined) continue;
      const o = this.lineCount++ * LINE_STRIDE;
      this.track(i, this.lines, o);
      this.track(j, this.lines, o + 6);
    }
    if (this.lineCount === 0) return;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.lineBuffer);
    if (this.lineRoom < this.lines.length) {
      gl.bufferData(gl.ARRAY_BUFFER, this.lines, gl.DYNAMIC_DRAW);
      this.lineRoom = this.lines.length;
    } else gl.bufferSubData(gl.ARRAY_BUFFER, 0, this.lines.subarray(0, this.lineCount * LINE_STRIDE));
  }

  private track(i: number, out: Float32Array, o: number) {
    const { dots, origin } = this;
    out[o] = dots.x0[i]! - origin.x;
    out[o + 1] = dots.y0[i]! - origin.y;
    out[o + 2] = dots.x1[i]! - origin.x;
    out[o + 3] = dots.y1[i]! - origin.y;
    out[o + 4] = (dots.start[i]! - this.epoch) / 1000;
    out[o + 5] = dots.duration[i]! / 1000;
  }
}

/** matrix × translation(x, y), in 64 bits; only the product is cut to 32. */
function shifted(m: ArrayLike<number>, x: number, y: number): Float32Array {
  const out = new Float32Array(16);
  for (let i = 0; i < 12; i++) out[i] = m[i]!;
  for (let i = 0; i < 4; i++) out[12 + i] = m[i]! * x + m[4 + i]! * y + m[12 + i]!;
  return out;
}

class Program {
  private readonly program: WebGLProgram;
  private readonly places = new Map<string, WebGLUniformLocation | null>();

  constructor(
    private readonly gl: WebGL2RenderingContext,
    vertex: string,
    fragment: string,
  ) {
    this.program = gl.createProgram() as WebGLProgram;
    for (const [type, source] of [
      [gl.VERTEX_SHADER, vertex],
      [gl.FRAGMENT_SHADER, fragment],
    ] as const) {
      const shader = gl.createShader(type) as WebGLShader;
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost())
        console.error(gl.getShaderInfoLog(shader));
      gl.attachShader(this.program, shader);
    }
    gl.linkProgram(this.program);
  }

  use() {
    this.gl.useProgram(this.program);
  }

  at(name: string): WebGLUniformLocation | null {
    let place = this.places.get(name);
    if (place === undefined) {
      place = this.gl.getUniformLocation(this.program, name);
      this.places.set(name, place);
    }
    return place;
  }

  attribute(name: string, size: number, stride: number, offset: number, divisor = 0) {
    const { gl } = this;
    const place = gl.getAttribLocation(this.program, name);
    if (place < 0) return;
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, gl.FLOAT, false, stride * 4, offset * 4);
    gl.vertexAttribDivisor(place, divisor);
  }

  delete() {
    this.gl.deleteProgram(this.program);
  }
}

/**
 * Positions come as offsets in mercator units from an origin near the view, so that 32 bits are enough for a centimetre.
 * Plain uniforms only: a uniform block at binding 2 disturbs MapLibre's labels.
 */

const GLIDE = `
  vec2 glide(vec4 track, vec2 timing, float now) {
    float f = timing.y <= 0.0 ? 1.0 : clamp((now - timing.x) / timing.y, 0.0, 1.0);
    return mix(track.xy, track.zw, f);
  }`;

export const DOT_VERTEX = `#version 300 es
  precision highp float;
  in vec4 a_track;    // from, to
  in vec2 a_timing;   // start and length of the glide, seconds
  in vec2 a_state;    // flags, moment of the fix in seconds
  uniform mat4 u_matrix;
  uniform float u_now;
  uniform float u_radius;   // device pixels
  uniform float u_halo;     // the halo's radius in radii
  uniform int u_pass;       // 0 halo, 1 stale, 2 busy, 3 free
  out float v_radius;
  flat out int v_kind;
  out float v_alpha;
  ${GLIDE}
  void main() {
    int flags = int(a_state.x + 0.5);
    bool stale = (flags & 4) != 0;
    bool free = (flags & 1) != 0;
    bool near = (flags & 8) != 0;
    int kind = stale ? 1 : free ? 3 : 2;
    bool area = (flags & 16) != 0;   // drawn as a disc of the cell's size, by the map
    bool shown = !area && (u_pass == 0 ? near && !stale : u_pass == kind);
    if (!shown) {
      gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
      gl_PointSize = 0.0;
      v_kind = 0; v_radius = 0.0; v_alpha = 0.0;
      return;
    }
    v_kind = u_pass == 0 ? 0 : kind;
    gl_Position = u_matrix * vec4(glide(a_track, a_timing, u_now), 0.0, 1.0);
    float grown = u_pass == 0 ? u_halo : kind == 3 ? 1.0 : 0.94;
    v_radius = u_radius * grown;
    gl_PointSize = v_radius * 2.0 + 4.0;
    float age = u_now - a_state.y;
    v_alpha = stale ? 0.62 : mix(1.0, 0.6, smoothstep(60.0, 600.0, age));
  }`;

export const DOT_FRAGMENT = `#version 300 es
  precision highp float;
  in float v_radius;
  flat in int v_kind;
  in float v_alpha;
  uniform vec3 u_free;
  uniform vec3 u_busy;
  uniform vec3 u_near;
  uniform vec3 u_paper;
  uniform float u_pulse;
  uniform float u_dpr;
  out vec4 colour;
  void main() {
    vec2 p = (gl_PointCoord - 0.5) * (v_radius * 2.0 + 4.0);
    float d = length(p);
    float r = v_radius;
    float edge = 1.0 - smoothstep(r - 0.5, r + 0.5, d);
    if (edge <= 0.0) discard;
    if (v_kind == 0) {
      float inner = smoothstep(r * 0.3, r * 0.95, d);
      float ring = 1.0 - smoothstep(0.6 * u_dpr, 1.4 * u_dpr, abs(d - r * (0.74 + 0.2 * u_pulse)));
      float a = edge * (0.26 * (1.0 - 0.6 * inner)) + ring * (0.75 - 0.45 * u_pulse);
      colour = vec4(u_near, 1.0) * min(a, 1.0);
      return;
    }
    float rim = max(1.2 * u_dpr, r * 0.2);
    if (v_kind == 3) {           // free: a full disc with a paper rim
      float core = 1.0 - smoothstep(r - rim - 0.5, r - rim + 0.5, d);
      colour = vec4(mix(u_paper, u_free, core), 1.0) * edge * v_alpha;
      return;
    }
    float stroke = max(1.7 * u_dpr, r * 0.34);
    float hollow = smoothstep(r - stroke - 0.5, r - stroke + 0.5, d);
    if (v_kind == 2) {           // busy: a ring
      colour = vec4(mix(u_paper, u_busy, hollow), 1.0) * edge * v_alpha * mix(0.85, 1.0, hollow);
      return;
    }
    // stale: a broken ring, nothing inside
    float turn = fract(atan(p.y, p.x) / 6.2831853 * 6.0);
    float dash = smoothstep(0.0, 0.08, turn) * (1.0 - smoothstep(0.56, 0.64, turn));
    colour = vec4(u_busy, 1.0) * (edge * hollow * dash * v_alpha + edge * (1.0 - hollow) * 0.08);
  }`;

export const LINE_VERTEX = `#version 300 es
  precision highp float;
  in vec2 a_corner;    // along 0..1, side -1..1
  in vec4 a_track;     // one end
  in vec2 a_timing;
  in vec4 b_track;     // the other
  in vec2 b_timing;
  uniform mat4 u_matrix;
  uniform float u_now;
  uniform vec2 u_size;   // of the canvas, device pixels
  uniform float u_width;
  out float v_side;
  ${GLIDE}
  void main() {
    vec4 a = u_matrix * vec4(glide(a_track, a_timing, u_now), 0.0, 1.0);
    vec4 b = u_matrix * vec4(glide(b_track, b_timing, u_now), 0.0, 1.0);
    vec2 along = (b.xy / b.w - a.xy / a.w) * u_size;
    float reach = length(along);
    vec2 unit = reach > 0.001 ? along / reach : vec2(1.0, 0.0);
    vec2 side = vec2(-unit.y, unit.x) * a_corner.y * u_width / u_size;
    vec4 at = mix(a, b, a_corner.x);
    gl_Position = vec4(at.xy + side * at.w, at.zw);
    v_side = a_corner.y * u_width * 0.5;
  }`;

export const LINE_FRAGMENT = `#version 300 es
  precision highp float;
  in float v_side;
  uniform vec3 u_near;
  uniform float u_width;
  out vec4 colour;
  void main() {
    float a = 1.0 - smoothstep(u_width * 0.5 - 1.0, u_width * 0.5, abs(v_side));
    colour = vec4(u_near, 1.0) * a * 0.8;
  }`;

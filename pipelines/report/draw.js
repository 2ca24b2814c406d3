"use strict";
// Drawing: text of numbers, colours of the theme, shapes on the map. No state.

const MINUS = "\u2212", DASH = "\u2013";
const PRECISION = ["ok", "low precision: do not read alone", "0 by definition", "no value"];

function figure(value) {
  if (value === null || value === undefined) return "no value";
  const places = Math.abs(value) < 10 ? 1 : 0;
  const text = Math.abs(value).toLocaleString("en", { maximumFractionDigits: places });
  return (value < 0 && text !== "0" ? MINUS : "") + text;
}

function interval(value, half) {
  if (value === null || value === undefined) return "";
  return figure(value - half) + " to " + figure(value + half);
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function config(width) {
  const quiet = "var(--quiet)", line = "var(--line)", font = colour("--text");
  return {
    background: "transparent",
    font: font,
    view: { stroke: null },
    axis: {
      labelColor: quiet, titleColor: quiet, gridColor: line, domainColor: line, tickColor: line,
      labelFontSize: 12, domain: false, ticks: false, labelPadding: 6,
      labelLimit: Math.round(Math.min(250, Math.max(110, width * 0.46))),
    },
    legend: { labelColor: quiet, titleColor: quiet, labelFontSize: 12, gradientStrokeColor: line },
    range: { ramp: colour("--ramp").split(/\s+/), heatmap: colour("--ramp").split(/\s+/) },
  };
}

function draw(id, spec, datasets, params) {
  const holder = document.getElementById(id);
  const own = Object.assign({}, spec, {
    datasets: datasets, description: holder.getAttribute("aria-label"),
  });
  own.params = (spec.params || []).map(
    (one) => (params && one.name in params ? Object.assign({}, one, { value: params[one.name] }) : one)
  );
  const options = {
    mode: "vega-lite", ast: true, actions: false, renderer: "svg", config: config(holder.clientWidth || 600),
    tooltip: { offsetX: 14, offsetY: 14 },
  };
  holder.replaceChildren();
  return vegaEmbed(holder, own, options).then((result) => result.view);
}

function furniture(map) {
  const left = -map.width / 2, below = -map.height / 2 - map.width * 0.035;
  const bar = [[left, below], [left + map.bar, below]];
  const unit = map.bar < 1 ? Math.round(map.bar * 1000) + " m" : map.bar + " km";
  return [
    { type: "Feature", geometry: { type: "LineString", coordinates: bar } },
    { x: left, y: below, text: unit },
    { x: map.width / 2 - map.width * 0.07, y: below, text: "\u2191 N" },
  ];
}

function extent(map) {
  const below = map.width * 0.05;
  return { spanX: map.width * 1.01, spanY: map.height * 1.01 + below, lift: below / 2 };
}

function mapHeight(id, map) {
  const width = document.getElementById(id).clientWidth || 600, span = extent(map);
  return Math.round(Math.min(620, Math.max(170, (width * span.spanY) / span.spanX)));
}

function arc(from, to) {
  const dx = to[0] - from[0], dy = to[1] - from[1], bend = 0.16;
  const middle = [(from[0] + to[0]) / 2 + dy * bend, (from[1] + to[1]) / 2 - dx * bend];
  const points = [];
  for (let i = 0; i <= 18; i += 1) {
    const t = 0.04 + (0.92 * i) / 18, u = 1 - t;
    points.push([0, 1].map((k) => u * u * from[k] + 2 * u * t * middle[k] + t * t * to[k]));
  }
  return points;
}

function arrowHead(points, size) {
  const tip = points[points.length - 1], before = points[points.length - 3];
  const angle = Math.atan2(tip[1] - before[1], tip[0] - before[0]);
  const corner = (turn) => [
    tip[0] - size * Math.cos(angle + turn), tip[1] - size * Math.sin(angle + turn),
  ];
  return [[tip, corner(0.42), corner(-0.42), tip]];
}

function flowShapes(map, flows) {
  const most = Math.max(1e-9, ...flows.map((flow) => flow[2]));
  const rows = [];
  for (const [origin, destination, value, half] of flows) {
    if (!(value > 0)) continue;
    const points = arc(map.centres[origin], map.centres[destination]);
    const said = {
      name: map.names[origin] + " \u2192 " + map.names[destination],
      said: figure(value) + " (" + interval(value, half) + ")",
      width: 0.6 + (5.4 * value) / most,
    };
    const size = map.width * (0.012 + (0.014 * value) / most);
    rows.push(Object.assign({
      type: "Feature", line: true, geometry: { type: "LineString", coordinates: points },
    }, said));
    rows.push(Object.assign({
      type: "Feature", line: false,
      geometry: { type: "Polygon", coordinates: arrowHead(points, size) },
    }, said));
  }
  return rows;
}

// The page: what is chosen, and which charts that redraws.

(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const map = data.map, specs = data.specs, views = {};
  const state = { layer: 0, date: 0, slot: 0, zone: null, density: false, all: false };
  const byId = (id) => document.getElementById(id);
  const layer = () => data.layers[state.layer];
  const frame = () => {
    const row = layer().frames[state.date];
    return row[state.slot] || row[0];
  };

  function half(one, zone) {
    return Array.isArray(one.h) ? one.h[zone] : one.h;
  }

  function zoneRows() {
    const now = frame(), unit = state.density ? " per km\u00b2" : "";
    return map.ids.map((id, i) => {
      const area = state.density ? map.areas[i] || 1 : 1, code = Number(now.q[i]);
      const value = now.v[i] === null ? null : now.v[i] / area, width = half(now, i) / area;
      return {
        type: "Feature", geometry: map.geometry[i], zone: i, name: map.names[i], shown: value,
        said: figure(value) + unit, interval: interval(value, width), precision: PRECISION[code],
        sound: value !== null && (code === 0 || (state.all && code === 1)),
        chosen: state.zone === i,
      };
    });
  }

  function plainZones() {
    return map.ids.map((id, i) => ({
      type: "Feature", geometry: map.geometry[i], zone: i, name: map.names[i], chosen: state.zone === i,
    }));
  }

  function top() {
    const hours = state.slot > 0;
    const rows = layer().frames, mean = rows.length - 1;
    let most = 0;
    for (const row of state.date === mean ? [rows[mean]] : rows.slice(0, mean)) {
      row.forEach((one, k) => {
        if (one === null || k > 0 !== hours) return;
        one.v.forEach((value, i) => {
          const shown = state.density ? value / (map.areas[i] || 1) : value;
          if (value !== null && shown > most) most = shown;
        });
      });
    }
    return most || 1;
  }

  function describeMap() {
    const now = frame(), low = Array.from(now.q).filter((code) => code === "1").length;
    const words = [dateWords(), slotWords()].filter(Boolean).join(", ");
    let said = layer().title + ": " + words + ".";
    if (low && !state.all) {
      said += " " + (low === map.ids.length ? "All zones are" : figure(low) + " of " + figure(map.ids.length) + " zones are");
      said += " low precision here and hatched; means of more hours or dates are more precise.";
    }
    byId("map-said").textContent = said;
    byId("hour-said").textContent = slotWords() || "whole date";
  }

  function dateWords() {
    const dates = layer().dates;
    if (state.date < dates.length) return dates[state.date];
    return dates.length > 1 ? "mean of " + dates.length + " dates" : dates[0];
  }

  function slotWords() {
    if (state.slot === 0) return layer().slots.length > 1 ? "mean of the whole date" : "";
    return layer().slots[state.slot];
  }

  function showMap() {
    describeMap();
    if (!views.map) return;
    views.map.signal("top", top()).data("zones", zoneRows()).runAsync();
  }

  function seriesRows() {
    const own = layer(), many = own.dates.length > 1, city = state.zone === null;
    const slots = city ? own.citySlots : own.slots, rows = [], hours = slots.length > 1;
    own.dates.forEach((date, i) => {
      const cells = slots.map((slot, k) => cell(own, i, k)).slice(hours ? 1 : 0);
      const count = cells.filter((one) => one !== null).length;
      let at = 0;
      cells.forEach((one, k) => {
        if (one === null) return;
        const name = slots[hours ? k + 1 : k];
        rows.push({
          x: many ? i + (at + 0.5) / count : at + 0.5, value: one[0], lo: one[0] === null ? null : one[0] - one[1],
          hi: one[0] === null ? null : one[0] + one[1], when: date + (name ? ", " + name : ""),
          said: figure(one[0]), interval: interval(one[0], one[1]), name: name,
        });
        at += 1;
      });
    });
    const labels = many ? own.dates : rows.map((row) => row.name.split(DASH)[0]);
    return { rows: rows, labels: labels.concat([""]), last: many ? own.dates.length : Math.max(1, rows.length) };
  }

  function cell(own, date, slot) {
    if (state.zone === null) return own.city[date][slot];
    const one = own.frames[date][slot];
    return one === null ? null : [one.v[state.zone], half(one, state.zone)];
  }

  function showSeries() {
    const own = layer(), where = state.zone === null ? "All zones together" : map.names[state.zone];
    const coarse = own.hoursLeftOut && state.zone !== null;
    byId("series-said").textContent = where + ": " + own.title.toLowerCase() +
      (own.slots.length > 1 ? ", at the middle of each time bin; silent phones, as at night, count nowhere." : ", by date.") +
      (coarse ? " Single hours of a zone stand in the tables; here is its mean by date." : "");
    const series = seriesRows();
    return { datasets: { series: series.rows }, params: { labels: series.labels, last: series.last } };
  }

  function drawBars(id, rows) {
    const spec = Object.assign({}, specs.bars, { height: Math.max(1, rows.length) * 19 });
    return redraw(id, spec, { datasets: { bars: bars(rows) } });
  }

  function redraw(id, spec, put) {
    return draw(id, spec, put.datasets, put.params).then((view) => {
      views[id] = view;
      return view;
    });
  }

  function chosenFlows(count) {
    const flows = data.flows.filter(
      ([from, to]) => state.zone === null || from === state.zone || to === state.zone
    );
    return flows.slice(0, count);
  }

  function bars(rows) {
    return rows.map((row) => Object.assign({
      said: figure(row.value), interval: figure(row.lo) + " to " + figure(row.hi),
    }, row));
  }

  function flowRows() {
    return chosenFlows(20).map(([from, to, value, width, clear]) => ({
      faint: clear !== 1,
      label: map.names[from] + " \u2192 " + map.names[to], value: value, lo: value - width, hi: value + width,
    }));
  }

  function drawFlows() {
    if (!data.flows) return [];
    const clear = chosenFlows(data.flows.length).filter((flow) => flow[4] === 1);
    const where = state.zone === null ? "between all zones" : "from and to " + map.names[state.zone];
    byId("flows-said").textContent = "The largest flows " + where +
      ", trips a date. " + (clear.length
        ? figure(clear.length) + " are clear of noise; the map shows the largest " + Math.min(30, clear.length) + " of these."
        : "None is clear of noise, so the map shows none.");
    const spec = Object.assign({}, specs.flows, { height: mapHeight("flow-map", map) });
    const shapes = flowShapes(map, clear.slice(0, 30));
    return [
      drawBars("flow-bars", flowRows()),
      redraw("flow-map", spec, {
        datasets: { zones: plainZones(), flows: shapes, furniture: furniture(map) }, params: extent(map),
      }).then(pickable),
    ];
  }

  function drawMap() {
    if (!data.layers.length) return [];
    const spec = Object.assign({}, specs.map, { height: mapHeight("map", map) });
    const put = {
      datasets: { zones: zoneRows(), furniture: furniture(map) },
      params: Object.assign({ top: top() }, extent(map)),
    };
    return [redraw("map", spec, put).then(pickable), redraw("series", specs.series, showSeries())];
  }

  function drawRest() {
    const drawn = data.daily.map((one) => redraw("daily-" + one.table, specs.daily, {
      datasets: { daily: bars(one.points) },
    }));
    for (const [id, rows] of Object.entries(data.bars)) {
      drawn.push(drawBars(id, rows));
    }
    return drawn;
  }

  function pickable(view) {
    view.addEventListener("click", (event, item) => {
      if (item && item.datum && item.datum.zone !== undefined) {
        choose(item.datum.zone === state.zone ? null : item.datum.zone);
      }
    });
    return view;
  }

  function choose(zone) {
    state.zone = zone;
    byId("zone").value = zone === null ? "" : String(zone);
    showMap();
    if (data.layers.length) redraw("series", specs.series, showSeries());
    drawFlows();
  }

  function fill(select, names, values) {
    select.replaceChildren(...names.map((name, i) => {
      const option = document.createElement("option");
      option.textContent = name;
      option.value = String(values[i]);
      return option;
    }));
  }

  function fillDates() {
    const dates = layer().dates, last = dates.length;
    const mean = dates.length > 1 ? ["Mean of all dates"] : [];
    fill(byId("date"), mean.concat(dates), (mean.length ? [last] : []).concat(dates.map((d, i) => i)));
    state.date = mean.length ? last : 0;
    state.slot = 0;
    byId("date").value = String(state.date);
    byId("hour").max = String(layer().slots.length - 1);
    byId("hour").value = "0";
    byId("hour-control").hidden = layer().slots.length < 2;
  }

  function listen() {
    if (!byId("zone")) return;
    const order = map.names.map((name, i) => i).sort((a, b) => map.names[a].localeCompare(map.names[b], "en"));
    fill(byId("zone"), ["All zones"].concat(order.map((i) => map.names[i])), [""].concat(order));
    byId("zone").addEventListener("change", (e) => choose(e.target.value === "" ? null : Number(e.target.value)));
    if (!data.layers.length) return;
    fill(byId("layer"), data.layers.map((one) => one.title), data.layers.map((one, i) => i));
    fillDates();
    byId("layer").addEventListener("change", (e) => {
      state.layer = Number(e.target.value);
      fillDates();
      drawMap();
      describeMap();
    });
    byId("date").addEventListener("change", (e) => { state.date = Number(e.target.value); showMap(); });
    byId("hour").addEventListener("input", (e) => { state.slot = Number(e.target.value); showMap(); });
    byId("density").addEventListener("change", (e) => { state.density = e.target.checked; showMap(); });
    byId("all").addEventListener("change", (e) => { state.all = e.target.checked; showMap(); });
    describeMap();
  }

  function drawAll() {
    Promise.all([...drawMap(), ...drawFlows(), ...drawRest()]).then(
      () => { document.documentElement.dataset.ready = "yes"; },
      (fault) => {
        document.documentElement.dataset.ready = "no";
        byId("fault").hidden = false;
        throw fault;
      }
    );
  }

  function resize() {
    for (const id of ["map", "flow-map"]) {
      if (views[id]) views[id].height(mapHeight(id, map)).runAsync();
    }
  }

  listen();
  drawAll();
  window.addEventListener("resize", resize);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();

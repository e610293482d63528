"use strict";
(() => {
  const PAUSE = 2000; // milliseconds between two looks
  const LABEL = 60; // pixels that the label of a tick needs
  // The first two colours of imdb_tasks/report/charts/style.py.
  const LINES = { training: ["#0072B2", "dot"], validation: ["#D55E00", "solid"] };
  const facts = document.getElementById("facts");
  const state = document.getElementById("state");
  const remarks = document.getElementById("remarks");
  let latest = null;

  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    return { ink: style.getPropertyValue("--ink").trim(), line: style.getPropertyValue("--line").trim() };
  };

  // Whole epochs, each label once: the smallest of 1, 2, 5, 10, 20, ... that leaves room for them.
  const tickStep = (width) => {
    const least = (latest.last_epoch * LABEL) / Math.max(width, LABEL);
    const power = 10 ** Math.max(0, Math.floor(Math.log10(least)));
    return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= least);
  };

  // What lies above the axis is drawn at its edge; a remark says how far it went.
  const atMost = (values, top) => values.map((value) => (value === null || value <= top ? value : top));

  const draw = (name, format, range, top = Infinity) => {
    if (!latest[name]) return;
    const chart = document.getElementById(name);
    chart.parentElement.hidden = false;
    const { ink, line } = colours();
    const few = latest.epochs.length < 12;
    const data = Object.entries(LINES).map(([part, [color, dash]]) => ({
      name: part,
      x: latest.epochs,
      y: atMost(latest[name][part], top),
      customdata: latest[name][part],
      mode: few ? "lines+markers" : "lines",
      line: { color, dash, width: 2 },
      hovertemplate: "%{customdata:.4f} after epoch %{x}",
    }));
    const axis = { color: ink, gridcolor: line, linecolor: line, zeroline: false, automargin: true };
    const layout = {
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: ink },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 10, r: 10, t: 8, b: 36 },
      legend: { orientation: "h", x: 1, xanchor: "right", y: 1.02, yanchor: "bottom" },
      xaxis: { ...axis, title: { text: "Epoch" }, range: [0.5, latest.last_epoch + 0.5],
        tick0: 0, dtick: tickStep(chart.clientWidth) },
      yaxis: { ...axis, range, tickformat: format },
      dragmode: false,
    };
    Plotly.react(chart, data, layout, { responsive: true, displayModeBar: false });
  };

  const drawAll = () => {
    if (!latest) return;
    draw("loss", "~g", latest.loss_range, latest.loss_top);
    draw("accuracy", "~%");
  };

  const element = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });

  const tell = () => {
    if (state.textContent !== latest.state) state.textContent = latest.state;
    remarks.replaceChildren(...latest.remarks.map((text) => element("li", text)));
    remarks.hidden = latest.remarks.length === 0;
    facts.replaceChildren(
      ...Object.entries(latest.facts).map(([name, value]) => {
        const pair = document.createElement("div");
        pair.append(element("dt", name), element("dd", value));
        return pair;
      }),
    );
  };

  const look = async () => {
    try {
      const answer = await fetch(facts.dataset.source);
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      latest = await answer.json();
      tell();
      drawAll();
    } catch (error) {
      state.textContent = `no news: ${error.message}; trying again`;
    }
    if (!latest || !latest.ended) setTimeout(look, PAUSE);
  };

  document.addEventListener("themechange", drawAll);
  window.addEventListener("resize", drawAll);
  look();
})();

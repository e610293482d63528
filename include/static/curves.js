"use strict";
(() => {
  const PAUSE = 2000; // milliseconds between two looks
  // The first two colours of imdb_tasks/report/charts/style.py.
  const LINES = { training: ["#0072B2", "dot"], validation: ["#D55E00", "solid"] };
  const facts = document.getElementById("facts");
  const state = document.getElementById("state");
  let latest = null;

  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    return { ink: style.getPropertyValue("--ink").trim(), line: style.getPropertyValue("--line").trim() };
  };

  const draw = (name, range, format) => {
    if (!latest[name]) return;
    const chart = document.getElementById(name);
    chart.parentElement.hidden = false;
    const { ink, line } = colours();
    const few = latest.epochs.length < 12;
    const data = Object.entries(LINES).map(([part, [color, dash]]) => ({
      name: part,
      x: latest.epochs,
      y: latest[name][part],
      mode: few ? "lines+markers" : "lines",
      line: { color, dash, width: 2 },
      hovertemplate: "%{y:.4f} after epoch %{x}",
    }));
    const axis = { color: ink, gridcolor: line, linecolor: line, zeroline: false, automargin: true };
    const layout = {
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: ink },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 10, r: 10, t: 8, b: 36 },
      legend: { orientation: "h", x: 1, xanchor: "right", y: 1.02, yanchor: "bottom" },
      xaxis: { ...axis, title: { text: "Epoch" }, range: [0.5, latest.last_epoch + 0.5], tickformat: "d" },
      yaxis: { ...axis, range: range, tickformat: format },
      dragmode: false,
    };
    Plotly.react(chart, data, layout, { responsive: true, displayModeBar: false });
  };

  const drawAll = () => {
    if (!latest) return;
    draw("loss", latest.loss_range, ".2f");
    draw("accuracy", undefined, ".0%");
  };

  const tell = () => {
    if (state.textContent !== latest.state) state.textContent = latest.state;
    facts.replaceChildren(
      ...Object.entries(latest.facts).map(([name, value]) => {
        const [pair, term, text] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
        term.textContent = name;
        text.textContent = value;
        pair.append(term, text);
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
  look();
})();

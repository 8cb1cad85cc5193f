"use strict";
// Unpacks Plotly, draws the figures in the colours of the page, and fills the table of trades.
(() => {
  const byId = (id) => document.getElementById(id);
  const read = (id) => JSON.parse(byId(id).textContent);
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const figures = read("figures");
  const trades = read("trade-data");

  const kinds = { f8: Float64Array, f4: Float32Array, i4: Int32Array, i1: Int8Array };
  const column = ({ dtype, bdata }) => new kinds[dtype](bytes(bdata).buffer);
  const utc = (milliseconds) => new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ");
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // ---- figures ----
  // Times become dates written in UTC: Plotly would move numbers to the reader's time zone.
  const dated = (value) => {
    if (Array.isArray(value)) return typeof value[0] === "object" ? value.map(dated) : value;
    if (value === null || typeof value !== "object") return value;
    if (value.time) return Array.from(column(value.time), utc);
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, dated(part)]));
  };
  const coloured = (value) => {
    if (typeof value === "string") return value.startsWith("var(--") ? css(value.slice(4, -1)) : value;
    if (Array.isArray(value)) return value.map(coloured);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, coloured(part)]));
  };
  const dateTicks = [
    { dtickrange: [null, 60000], value: "%H:%M:%S" },
    { dtickrange: [60000, 86400000], value: "%H:%M\n%Y-%m-%d" },
    { dtickrange: [86400000, "M1"], value: "%Y-%m-%d" },
    { dtickrange: ["M1", "M6"], value: "%Y-%m" },
    { dtickrange: ["M12", null], value: "%Y" },
  ];
  // Words need the room they take; for numbers below a plot, room that adapts would chase its own tail.
  const room = (key, own) => (key[0] === "y" || own.type === "category" || own.ticktext)
    ? { automargin: true } : { automargin: false, tickangle: 0 };
  const axis = (key, own = {}) => ({
    gridcolor: css("--grid"), zerolinecolor: css("--rule"), linecolor: css("--rule"), ...room(key, own),
    ...(own.type === "date"
      ? { tickformatstops: dateTicks, hoverformat: "%Y-%m-%d %H:%M", rangeslider: { visible: false } } : {}),
    ...own,
  });
  const layout = (own) => {
    const axes = ["xaxis", "yaxis", ...Object.keys(own).filter((key) => /^[xy]axis\d/.test(key))];
    return {
      autosize: true, hovermode: "closest", bargap: 0, dragmode: finger ? false : "zoom", separators: ".,",
      font: { family: css("--font"), size: 12, color: css("--ink-soft") },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 48, r: 12, t: 28, b: own.xaxis.title ? 50 : 38 },
      legend: { orientation: "h", traceorder: "normal", x: 0, y: 1.02, yanchor: "bottom", font: { size: 12 } },
      hoverlabel: { bgcolor: css("--paper"), bordercolor: css("--rule"), font: { family: css("--font"), color: css("--ink") } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: css("--ink-soft"), activecolor: css("--strategy") },
      ...own,
      ...Object.fromEntries(axes.map((key) => [key, axis(key, own[key])])),
    };
  };
  // Under a finger, a drag scrolls the page: only a pointer zooms.
  const finger = matchMedia("(pointer: coarse)").matches;
  const config = {
    responsive: true, displaylogo: false, showTips: false, displayModeBar: finger ? false : "hover",
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  };
  const place = (key) => document.querySelector(`[data-plot="${key}"]`);
  const draw = (key) => {
    const spec = coloured(figures[key]);
    const own = layout(spec.layout);
    // On paper nothing can resize later, so the size is said; back on the screen it follows the page again.
    const paper = document.documentElement.classList.contains("printing");
    const size = paper ? { autosize: false, width: place(key).clientWidth, height: place(key).clientHeight } : {};
    return window.Plotly.react(place(key), spec.data, { ...own, ...size }, config);
  };
  const redrawAll = () => Object.keys(figures).forEach((key) => place(key).classList.contains("drawn") && draw(key));

  const set = (target, path, value) => {
    const steps = path.split(".");
    const last = steps.pop();
    steps.reduce((part, step) => part[step], target)[last] = value;
  };
  const choose = (button) => {
    const key = button.dataset.figure;
    Object.entries(JSON.parse(button.dataset.sets)).forEach(([path, value]) => set(figures[key], path, value));
    button.parentElement.querySelectorAll("button").forEach((b) => b.setAttribute("aria-pressed", String(b === button)));
    if (window.Plotly) draw(key);
  };

  // ---- one trade close up ----
  const percent = (fraction) => `${fraction > 0 ? "+" : fraction < 0 ? "−" : ""}${Math.abs(100 * fraction).toFixed(2)}%`;
  const prepareCloseUp = () => {
    const choice = byId("close-up-choice");
    trades.closeUps.forEach((view, index) => {
      let group = choice.querySelector(`optgroup[label="${view.group}"]`);
      if (!group) { group = document.createElement("optgroup"); group.label = view.group; choice.append(group); }
      const words = `${view.group}: ${percent(view.result)}, ${utc(view.entered).slice(0, 10)}`;
      group.append(new Option(words, String(index)));
    });
    const show = () => {
      const index = Number(choice.value);
      const view = trades.closeUps[index];
      figures["close-up"] = dated({
        data: view.data,
        layout: { xaxis: { type: "date" }, yaxis: { type: "linear", tickformat: ",~r" } },
      });
      byId("close-up-words").textContent =
        `Trade ${(view.trade + 1).toLocaleString("en")}. ` +
        (view.gathered > 1 ? `Each candle gathers ${view.gathered.toLocaleString("en")} bars.` : "Each candle is one bar.");
      byId("close-up-back").disabled = index === 0;
      byId("close-up-on").disabled = index === trades.closeUps.length - 1;
      if (window.Plotly) draw("close-up");
    };
    const move = (step) => { choice.value = String(Number(choice.value) + step); show(); };
    choice.addEventListener("change", show);
    byId("close-up-back").addEventListener("click", () => move(-1));
    byId("close-up-on").addEventListener("click", () => move(1));
    show();
  };

  // ---- the table of trades ----
  const rowsShown = 25;
  const number = (value) => value.toLocaleString("en");
  // As many decimals as the smallest price needs for five digits, two at least.
  const priceWords = (columns) => {
    const smallest = columns.entryPrice.reduce((low, price) => Math.min(low, price), Infinity);
    const decimals = Math.min(12, Math.max(2, 4 - Math.floor(Math.log10(smallest))));
    const style = new Intl.NumberFormat("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    return (price) => style.format(price);
  };
  const minute = (milliseconds) => utc(milliseconds).slice(0, 16);
  const listTrades = () => {
    const columns = Object.fromEntries(Object.entries(trades.columns).map(([key, packed]) => [key, column(packed)]));
    const size = columns.entry.length;
    columns.number = Float64Array.from({ length: size }, (_, index) => index + 1);
    const price = priceWords(columns);
    const shown = [
      ["number", "#", number, "number"], ["side", "Side", (side) => (side > 0 ? "long" : "short"), ""],
      ["entry", "Entry (UTC)", minute, ""], ["entryPrice", "Entry price", price, "number"],
      ["exit", "Exit (UTC)", minute, ""], ["exitPrice", "Exit price", price, "number"],
      ["bars", "Bars", number, "number"], ["reason", "Ended by", (reason) => trades.exits[reason], ""],
      ["result", "Result", percent, "number"],
    ];
    const [head, body] = [document.createElement("tr"), byId("trade-list").tBodies[0]];
    byId("trade-list").tHead.append(head);
    const order = Uint32Array.from({ length: size }, (_, index) => index);
    let [by, rising, page] = ["number", true, 0];
    const fill = () => {
      const last = Math.ceil(size / rowsShown) - 1;
      page = Math.max(0, Math.min(page, last));
      body.replaceChildren(...Array.from(order.subarray(page * rowsShown, (page + 1) * rowsShown), (index) => {
        const row = document.createElement("tr");
        shown.forEach(([key, , words, kind]) => {
          const cell = row.insertCell();
          cell.textContent = words(columns[key][index]);
          const sign = key === "result" ? (columns.result[index] > 0 ? "up" : "down") : "";
          cell.className = `${kind} ${sign}`.trim();
        });
        return row;
      }));
      byId("trades-where").textContent =
        `${number(page * rowsShown + 1)} to ${number(Math.min(size, (page + 1) * rowsShown))} of ${number(size)}`;
      byId("trades-back").disabled = page === 0;
      byId("trades-on").disabled = page === last;
    };
    const sort = (key) => {
      rising = by === key ? !rising : key !== "result";
      by = key;
      const values = columns[key];
      order.sort((a, b) => (rising ? values[a] - values[b] : values[b] - values[a]) || a - b);
      page = 0;
      marks();
      fill();
    };
    const marks = () => [...head.cells].forEach((cell, index) =>
      cell.setAttribute("aria-sort", shown[index][0] !== by ? "none" : rising ? "ascending" : "descending"));
    shown.forEach(([key, title, , kind]) => {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.className = kind;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = title;
      button.addEventListener("click", () => sort(key));
      cell.append(button);
      head.append(cell);
    });
    byId("trades-back").addEventListener("click", () => { page -= 1; fill(); });
    byId("trades-on").addEventListener("click", () => { page += 1; fill(); });
    marks();
    fill();
    prepareCloseUp();
  };

  // ---- start ----
  const trouble = (words) => { byId("trouble").textContent = words; byId("trouble").hidden = false; };
  const unpack = async () => {
    const packed = new Blob([bytes(byId("plotly").textContent)]).stream();
    const script = document.createElement("script");
    script.textContent = await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).text();
    document.head.append(script);
  };
  const start = async () => {
    Object.keys(figures).forEach((key) => { figures[key] = dated(figures[key]); });
    if (trades) listTrades();
    document.querySelectorAll("button[data-sets]").forEach((b) => b.addEventListener("click", () => choose(b)));
    if (!("DecompressionStream" in window)) {
      trouble("The charts need a newer browser: Chrome or Edge 80, Firefox 113, Safari 16.4 or later. The figures and tables do not.");
      return;
    }
    await unpack();
    for (const key of Object.keys(figures)) {
      await draw(key);
      place(key).classList.add("drawn");
      // A pause lets the page answer to scrolling between two figures.
      await new Promise((resume) => setTimeout(resume));
    }
    document.documentElement.dataset.ready = "yes";
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
  const printing = (on) => {
    document.documentElement.classList.toggle("printing", on);
    if (window.Plotly) redrawAll();
  };
  addEventListener("beforeprint", () => printing(true));
  addEventListener("afterprint", () => printing(false));
  start().catch((error) => {
    trouble(`The charts could not be drawn (${error.message}). The figures and tables do not need them.`);
    console.error(error);
  });
})();

"use strict";
(() => {
  const root = document.documentElement;
  const NARROW = 480;
  const config = { responsive: true, displaylogo: false, displayModeBar: false, plotlyServerURL: "", showTips: false };

  // Figures name colours as CSS variables, under keys that end in "color" or "colors" and nowhere else.
  function coloured(value, style, isColour) {
    if (typeof value === "string") {
      return isColour && value.startsWith("--") ? style.getPropertyValue(value).trim() : value;
    }
    if (Array.isArray(value)) return value.map((each) => coloured(each, style, isColour));
    if (value === null || typeof value !== "object") return value;
    const entries = Object.entries(value).map(([key, each]) => [key, coloured(each, style, /colors?$/.test(key))]);
    return Object.fromEntries(entries);
  }

  function dressed(figure, width) {
    const style = getComputedStyle(root);
    const { data, layout } = coloured(figure, style, false);
    const ink = style.getPropertyValue("--ink").trim();
    const paper = style.getPropertyValue("--paper").trim();
    const stretch = data[0]?.type === "sunburst" ? 1 : 1.3; // a narrow legend stands above the plot
    const several = data.filter((trace) => trace.name !== undefined).length > 1;
    return [data, {
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: 48, r: 12, t: 8, b: 44 },
      showlegend: several,
      hoverlabel: { bgcolor: paper, bordercolor: style.getPropertyValue("--line").trim(), font: { color: ink }, align: "left" },
      dragmode: false,
      ...layout,
      legend: { orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom", ...layout.legend },
      height: width < NARROW ? Math.min(layout.height, Math.max(300, width * stretch)) : layout.height,
    }];
  }

  function draw() {
    for (const source of document.querySelectorAll("script.figure")) {
      const place = document.getElementById(source.dataset.for);
      place.style.minHeight = "0";
      Plotly.react(place, ...dressed(JSON.parse(source.textContent), place.clientWidth), config);
    }
  }

  function follow() {
    const links = new Map([...document.querySelectorAll("nav a")].map((each) => [each.hash.slice(1), each]));
    const seen = new IntersectionObserver((changes) => {
      for (const { target, isIntersecting } of changes) {
        if (!isIntersecting) continue;
        links.forEach((link) => link.removeAttribute("aria-current"));
        links.get(target.id)?.setAttribute("aria-current", "true");
      }
    }, { rootMargin: "-10% 0px -80% 0px" });
    document.querySelectorAll("main > section").forEach((each) => seen.observe(each));
  }

  // Paper is white, and shows what is folded.
  function onPaper(is) {
    root.toggleAttribute("data-paper", is);
    document.querySelectorAll("details").forEach((each) => {
      if (is) each.dataset.was = each.open;
      each.open = is || each.dataset.was === "true";
    });
    draw();
  }

  draw();
  follow();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("beforeprint", () => onPaper(true));
  addEventListener("afterprint", () => onPaper(false));
})();

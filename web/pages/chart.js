// A metric over time: lines, the initial value, thresholds as bands, alerts as marks. Zoom stays when values come.
const DAY_MS = 864e5;
const RANGES = [["7 days", 7], ["30 days", 30], ["90 days", 90], ["All", 0]];
const SHAPES = { Critical: "diamond", Warning: "triangle", Info: "circle" };
const SIGNS = { Critical: "◆", Warning: "▲", Info: "●" };
const DASHES = ["solid", [6, 3], [2, 2], [9, 3, 2, 3]];
const POINTS = ["circle", "rect", "triangle", "diamond"];

export default {
  template: `
    <figure class="m-chart" :aria-label="chart.label + ' over time'">
      <div class="m-chart-bar">
        <ul class="m-legend" aria-label="Legend">
          <template v-if="chart.lines.length > 1">
            <li v-for="(line, n) in chart.lines" :key="line.name">
              <svg viewBox="0 0 22 8" width="22" height="8" aria-hidden="true" :style="{ color: 'var(--c' + n % 8 + ')' }">
                <path d="M0 4h22" :stroke-dasharray="dashes(n)" stroke-width="2" /></svg>{{ line.name }}</li>
          </template>
          <li v-if="chart.initial"><svg viewBox="0 0 22 8" width="22" height="8" aria-hidden="true" class="m-quiet">
            <path d="M0 4h22" stroke-dasharray="4 3" /></svg>Initial {{ chart.initial.text }}</li>
          <li v-for="band in words" :key="band.tone"><i class="m-band" :class="'m-' + band.tone"></i>{{ band.word }}</li>
          <li v-for="mark in kinds" :key="mark.severity" :class="'m-' + mark.tone">{{ sign(mark) }} {{ mark.severity }} alert</li>
        </ul>
        <div class="m-ranges" role="group" aria-label="Time range">
          <button v-for="[label, days] in offered" :key="days" type="button" :aria-pressed="range === days"
                  :data-testid="'range-' + (days || 'all')" @click="show(days)">{{ label }}</button>
        </div>
      </div>
      <div class="m-chart-area" :class="{ 'm-loading': !ready }">
        <div ref="area" class="m-canvas" tabindex="0" role="application" aria-roledescription="chart"
             :aria-label="chart.label + ' over time. Left and right move from value to value, plus and minus zoom, 0 shows all.'"
             :aria-describedby="id" data-testid="chart" :data-ready="ready" @keydown="pressed" @blur="hide"></div>
        <p v-if="!ready" class="m-muted">Loading the chart…</p>
        <p v-else-if="!count" class="m-muted">No value to draw yet. It appears here when an evaluation counts.</p>
      </div>
      <p class="m-hidden" aria-live="polite" data-testid="chart-spoken">{{ spoken }}</p>
      <figcaption :id="id" data-testid="chart-summary">{{ chart.summary }}</figcaption>
      <details v-if="count" @toggle="open = $event.target.open">
        <summary data-testid="chart-as-table">Show the values as a table</summary>
        <div v-if="open" class="m-scroll" tabindex="0" role="region" :aria-label="'Values of ' + chart.label">
          <table class="m-table" data-testid="chart-table">
            <caption class="m-hidden">{{ chart.label }}, newest first</caption>
            <thead><tr><th v-if="chart.lines.length > 1" scope="col">Version</th><th scope="col">Evaluated</th>
              <th scope="col" class="m-number">{{ chart.label }}</th><th scope="col">Store</th></tr></thead>
            <tbody>
              <tr v-for="(row, n) in rows" :key="n"><td v-if="chart.lines.length > 1">{{ row.line }}</td>
                <td>{{ date(row.at) }}</td><td class="m-number">{{ row.text }}</td><td>{{ row.store }}</td></tr>
            </tbody>
          </table>
        </div>
      </details>
    </figure>`,
  props: { chart: Object },
  emits: ["zoom"],
  data: () => ({ ready: false, open: false, spoken: "", range: 0, id: "chart-" + Math.random().toString(36).slice(2) }),
  computed: {
    count() {
      return this.chart.lines.reduce((sum, line) => sum + line.points.length, 0);
    },
    words() {
      return this.chart.bands.filter((band, n, all) => all.findIndex((each) => each.tone === band.tone) === n);
    },
    kinds() {
      return this.chart.marks.filter((mark, n, all) => all.findIndex((each) => each.severity === mark.severity) === n);
    },
    span() {
      const times = this.chart.lines.flatMap((line) => (line.points.length ? [line.points[0][0], line.points.at(-1)[0]] : []));
      return times.length ? [Math.min(...times), Math.max(...times)] : [0, 0];
    },
    offered() {
      const fitting = RANGES.filter(([, days]) => !days || days * DAY_MS < this.span[1] - this.span[0]);
      return fitting.length > 1 ? fitting : [];
    },
    rows() {
      return this.chart.lines
        .flatMap((line) => line.points.map(([at, value, store]) => ({
          line: line.name, at, text: this.text(value), store: this.chart.stores[store],
        })))
        .sort((one, other) => other.at - one.at);
    },
  },
  watch: {
    chart(chart, before) {
      if (chart.key !== before.key) {
        this.zoom = null;
        this.range = 0;
        this.cursor = null;
        this.spoken = "";
      }
      this.draw(chart.key !== before.key);
    },
  },
  async mounted() {
    // Neither is to be watched by Vue: `zoom` is what the reader has zoomed to, `cursor` when the value was that is read out.
    this.zoom = null;
    this.cursor = null;
    const { echarts } = await import("nicegui-echart");
    if (!this.$refs.area) return;
    this.drawn = echarts.init(this.$refs.area, null, { renderer: "canvas" });
    this.drawn.on("datazoom", () => this.zoomed());
    this.sized = new ResizeObserver(() => this.drawn.resize());
    this.sized.observe(this.$refs.area);
    this.themed = new MutationObserver(() => this.draw(false));
    this.themed.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    this.draw(true);
    this.ready = true;
  },
  beforeUnmount() {
    clearTimeout(this.telling);
    this.sized?.disconnect();
    this.themed?.disconnect();
    this.drawn?.dispose();
  },
  methods: {
    date: (at) => mooring.date(at),
    sign: (mark) => SIGNS[mark.severity],
    dashes: (n) => (DASHES[n % 4] === "solid" ? null : DASHES[n % 4].join(" ")),
    text(value) {
      const small = value && Math.abs(value) < 0.5 * 10 ** -this.chart.decimals;
      if (small || Math.abs(value) >= 1e12) return value.toExponential(2).replaceAll("-", "−");
      const digits = { minimumFractionDigits: this.chart.decimals, maximumFractionDigits: this.chart.decimals };
      return value.toLocaleString("en-US", digits).replace("-", "−");
    },
    draw(anew) {
      if (!this.drawn) return;
      const chart = this.chart, style = getComputedStyle(document.body), colour = (name) => style.getPropertyValue(name).trim();
      const lines = chart.lines.map((line, n) => ({
        id: "line" + n, name: line.name, type: "line", data: line.points.map(([at, value]) => [at, value]), z: 4,
        showSymbol: line.points.length < 80, showAllSymbol: true, symbolSize: 6, symbol: POINTS[n % 4], triggerLineEvent: false,
        color: colour("--c" + (n % 8)), lineStyle: { width: 2, type: DASHES[n % 4] },
        emphasis: { scale: 1.5 },
      }));
      if (lines.length) {
        if (chart.initial) {
          lines[0].markLine = {
            silent: true, symbol: "none", animation: false, data: [{ yAxis: chart.initial.value }],
            lineStyle: { color: colour("--muted"), type: [4, 3], width: 1.5 }, label: { show: false },
          };
        }
        lines[0].markArea = {
          silent: true, animation: false, z: 1,
          data: chart.bands.map((band) => [
            { ...(band.low === null ? {} : { yAxis: band.low }), itemStyle: { color: colour(`--${band.tone}-bg`) },
              label: { show: true, position: "insideTopLeft", color: colour(`--${band.tone}`), fontSize: 10, formatter: band.word } },
            band.high === null ? {} : { yAxis: band.high },
          ]),
        };
      }
      const marks = {
        id: "alerts", name: "Alerts", type: "scatter", z: 6, symbolSize: 13,
        data: chart.marks.map((mark) => ({
          value: [mark.at, mark.value], symbol: SHAPES[mark.severity],
          itemStyle: { color: colour("--" + mark.tone), borderColor: colour("--surface"), borderWidth: 1.5 },
        })),
      };
      const faint = { color: colour("--muted"), fontSize: 11 }, rule = { lineStyle: { color: colour("--line") } };
      const option = {
        animation: false,
        textStyle: { fontFamily: style.fontFamily },
        grid: { left: 4, right: 14, top: 14, bottom: this.count > 1 ? 54 : 8, containLabel: true },
        xAxis: { type: "time", axisLabel: { ...faint, hideOverlap: true }, axisLine: rule, axisTick: rule, splitLine: { show: false } },
        yAxis: {
          type: "value", min: chart.axis.low, max: chart.axis.high, interval: chart.axis.step, splitLine: rule, axisPointer: { show: false },
          axisLabel: { ...faint, formatter: (value) => value.toLocaleString("en-US", {
            minimumFractionDigits: chart.axis.decimals, maximumFractionDigits: chart.axis.decimals }).replace("-", "−") },
        },
        tooltip: {
          trigger: "axis", confine: true, backgroundColor: colour("--raised"), borderColor: colour("--line"), padding: [8, 10],
          textStyle: { color: colour("--text"), fontSize: 12 }, formatter: (found) => this.tip(found),
          axisPointer: { lineStyle: { color: colour("--muted") } }, extraCssText: "max-width: 320px; white-space: normal;",
        },
        series: [...lines, marks],
      };
      if (anew || this.count > 1 !== this.zoomable) {
        this.zoomable = this.count > 1;
        option.dataZoom = [
          { type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, start: 0, end: 100 },
          { type: "slider", filterMode: "none", height: 22, bottom: 8, left: 8, right: 16, showDetail: false, start: 0, end: 100,
            brushSelect: true, show: this.zoomable },
        ];
      }
      if (option.dataZoom || this.slider !== document.body.className) {
        this.slider = document.body.className;
        option.dataZoom ??= [{}, {}];
        Object.assign(option.dataZoom[1], {
          borderColor: colour("--line"), backgroundColor: "transparent", fillerColor: colour("--accent") + "22",
          handleStyle: { color: colour("--surface"), borderColor: colour("--muted") }, moveHandleStyle: { color: colour("--line") },
          dataBackground: { lineStyle: { color: colour("--muted"), opacity: 0.5 }, areaStyle: { opacity: 0 } },
          selectedDataBackground: { lineStyle: { color: colour("--accent") }, areaStyle: { opacity: 0 } },
          emphasis: { handleStyle: { borderColor: colour("--accent") }, moveHandleStyle: { color: colour("--muted") } },
        });
      }
      this.drawn.setOption(option, { notMerge: anew, replaceMerge: anew ? undefined : ["series"] });
      // The window is kept in time, not in per cent of what there is; one that reached the newest value still does.
      if (this.zoom) this.zoomTo(this.zoom.since, this.zoom.newest ? this.span[1] : this.zoom.until);
      if (this.cursor !== null) this.point();
    },
    zoomTo(startValue, endValue) {
      this.drawn.dispatchAction({ type: "dataZoom", dataZoomIndex: 0, startValue, endValue });
      this.drawn.dispatchAction({ type: "dataZoom", dataZoomIndex: 1, startValue, endValue });
    },
    zoomed() {
      const { start, end, startValue, endValue } = this.drawn.getOption().dataZoom[0];
      this.zoom = start <= 0 && end >= 100 ? null : { since: startValue, until: endValue, newest: end >= 100 };
      const days = (endValue - startValue) / DAY_MS;
      const fitting = this.offered.find(([, each]) => each && end >= 100 && Math.abs(each - days) < 0.01);
      this.range = this.zoom ? fitting?.[1] ?? -1 : 0;
      if (!this.chart.thinned) return;
      clearTimeout(this.telling);
      const told = this.zoom ? [Math.floor(this.zoom.since), Math.ceil(this.zoom.until)] : [0, 0];
      if (String(told) === String(this.told ?? [0, 0])) return;
      this.telling = setTimeout(() => this.$emit("zoom", ...(this.told = told)), 250);
    },
    show(days) {
      if (!this.drawn) return;
      const [first, last] = this.span;
      this.zoomTo(days ? last - days * DAY_MS : first, last);
    },
    // Made of nodes, not of markup: names and reasons come from events.
    tip(found) {
      const box = document.createElement("div"), add = (kind, text, name) => {
        const part = box.appendChild(document.createElement(kind));
        part.textContent = text;
        part.className = name ?? "";
      };
      add("div", this.date(found[0].value[0]), "m-muted");
      for (const each of found) {
        if (each.seriesId === "alerts") {
          const mark = this.chart.marks[each.dataIndex];
          add("div", `${SIGNS[mark.severity]} ${mark.severity}: ${mark.text}`, "m-" + mark.tone);
          continue;
        }
        const line = this.chart.lines[each.seriesIndex], [, value, store] = line.points[each.dataIndex];
        const name = this.chart.lines.length > 1 ? line.name : this.chart.label;
        add("div", `${name}: ${this.text(value)}${this.moved(value, line.initial)}`, "m-tip");
        add("div", `store ${this.chart.stores[store]}`, "m-muted");
      }
      return box;
    },
    moved(value, initial) {
      if (initial === null) return "";
      const drift = value - initial;
      return ` (${drift > 0 ? "+" : ""}${this.text(drift)} from initial)`;
    },
    // Show what is at the cursor, wherever it is among the points by now. Answers its place, or -1.
    point() {
      const place = this.chart.lines[0]?.points.findIndex(([at]) => at === this.cursor) ?? -1;
      this.drawn.dispatchAction(place < 0 ? { type: "hideTip" } : { type: "showTip", seriesIndex: 0, dataIndex: place });
      return place;
    },
    pressed(event) {
      if (!this.drawn || event.ctrlKey || event.metaKey || event.altKey) return;
      const points = this.chart.lines[0]?.points ?? [], last = points.length - 1;
      const now = this.cursor === null ? -1 : points.findIndex(([at]) => at === this.cursor), from = now < 0 ? last + 1 : now;
      const places = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last };
      if (event.key in places && last >= 0) {
        const [when, value] = points[Math.max(0, Math.min(last, places[event.key]))];
        this.cursor = when;
        this.point();
        this.spoken = `${this.date(when)}: ${this.text(value)}${this.moved(value, this.chart.lines[0].initial)}`;
      } else if (event.key === "+" || event.key === "=" || event.key === "-") {
        const { startValue, endValue } = this.drawn.getOption().dataZoom[0];
        const middle = this.cursor ?? endValue;
        const factor = event.key === "-" ? 2 : 0.5, [first, end] = this.span;
        this.zoomTo(Math.max(first, middle - (middle - startValue) * factor), Math.min(end, middle + (endValue - middle) * factor));
      } else if (event.key === "0") {
        this.show(0);
      } else return;
      event.preventDefault();
    },
    hide() {
      this.cursor = null;
      this.drawn?.dispatchAction({ type: "hideTip" });
    },
  },
};

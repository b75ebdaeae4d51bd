// The table of versions: grouped by project and model, or flat; and the bar above it.
export default {
  template: `
    <section class="m-listing" aria-label="Model versions" :aria-busy="busy || late">
      <div class="m-listbar">
        <b data-testid="count">{{ total }}</b>
        <span class="m-hidden" role="status">{{ announced }}</span>
        <span v-if="late" class="m-muted m-late" role="status" data-testid="late">Loading…</span>
        <span class="m-grow"></span>
        <button v-if="worst" type="button" class="m-button m-small" :aria-pressed="sort === worst.key" data-testid="worst-first"
                @click="$emit('sort_by', sort === worst.key ? 'hierarchy' : worst.key)">
          <svg viewBox="0 0 24 24" width="15" height="15" aria-hidden="true"><path d="m4 7 6 6 4-4 6 7M20 11v5h-5" /></svg>{{ worst.label }}
        </button>
        <label class="m-choice m-small">
          <span>Sort</span>
          <select :value="sort" data-testid="sort-select" @change="$emit('sort_by', $event.target.value)">
            <option v-for="order in orders" :key="order.key" :value="order.key">{{ order.label }}</option>
          </select>
        </label>
        <div class="m-switch" role="group" aria-label="Headings">
          <button type="button" :aria-pressed="grouped" title="By project and model" data-testid="grouped" @click="$emit('group', true)">Grouped</button>
          <button type="button" :aria-pressed="!grouped" title="One list of versions" data-testid="flat" @click="$emit('group', false)">Flat</button>
        </div>
        <slot></slot>
        <a class="m-button m-small" :href="exported" download title="All that match, as CSV" data-testid="export">
          <svg viewBox="0 0 24 24" width="15" height="15" aria-hidden="true"><path d="M12 4v11m-5-4 5 5 5-5M5 20h14" /></svg>CSV
        </a>
      </div>
      <div ref="list" class="m-list" :class="{ 'm-scrolled': scrolled }" tabindex="-1" @scroll.passive="scrolled = $refs.list.scrollLeft > 0">
        <table v-show="!empty" ref="table" class="m-table" :class="{ 'm-own': own }" :aria-label="'Model versions, ' + total" :aria-busy="busy || late"
               data-testid="registry">
          <thead>
            <tr>
              <th v-for="(column, at) in columns" :key="column.key" scope="col" :class="[...classes(column, at)]" :style="stuck(at)"
                  :aria-sort="column.sortable ? column.order || 'none' : null">
                <button v-if="column.sortable" type="button" :title="column.title" :data-testid="'sort-' + column.key"
                        @click="$emit('sort', column.key)">
                  {{ column.label }}<i aria-hidden="true">{{ arrows[column.order] || '' }}</i>
                </button>
                <span v-else :title="column.title">{{ column.label }}</span>
              </th>
            </tr>
          </thead>
          <tbody @keydown.down="step($event, 1)" @keydown.up="step($event, -1)">
            <template v-for="row in rows" :key="row.id">
              <tr v-if="row.kind === 'project'" class="m-project" data-testid="project-row">
                <th scope="rowgroup" :colspan="columns.length"><div class="m-heading">
                  <span>{{ row.name }}</span><small>{{ row.node }}</small></div></th>
              </tr>
              <tr v-else-if="row.kind === 'model'" class="m-model" data-testid="model-row">
                <th scope="rowgroup" :colspan="columns.length"><div class="m-heading">
                  <span>{{ row.name }}</span><small>{{ row.note }}</small></div></th>
              </tr>
              <tr v-else class="m-version" :class="{ 'm-selected': row.key === selected, 'm-archived': row.archived }"
                  :aria-current="row.key === selected" data-testid="version-row" :data-version-key="row.key"
                  @click="clicked($event, row)">
                <template v-for="(column, at) in columns" :key="column.key">
                  <td v-if="column.key === 'name'" :class="[...classes(column, at), { 'm-flat': row.path }]" :style="stuck(at)">
                    <a :href="href(row)" @click.exact.prevent.stop="$emit('open', row.key)">{{ row.name }}</a>
                    <span v-if="row.active" class="m-tag" data-testid="active">Active</span>
                    <span v-if="row.archived" class="m-tag m-faint">Archived</span>
                    <small>{{ row.note }}</small>
                    <div v-if="row.path" class="m-path">{{ row.path }}</div>
                  </td>
                  <td v-else-if="column.key === 'status'" :class="classes(column, at)" :style="stuck(at)">
                    <span class="m-pill" :class="'m-' + row.tone" data-testid="status">{{ row.status }}</span>
                  </td>
                  <td v-else-if="column.key === 'drift'" :class="[...classes(column, at), flash[row.key + 'drift'], 'm-' + row.drift.tone]"
                      :style="stuck(at)" data-testid="drift" :title="row.drift.title">
                    <span aria-hidden="true">{{ row.drift.arrow }}</span> {{ row.drift.text }} <em>{{ row.drift.word }}</em>
                  </td>
                  <td v-else-if="column.key === 'trend'" :class="classes(column, at)" :style="stuck(at)" data-testid="trend">
                    <svg v-if="row.trend" class="m-spark" :class="'m-' + row.drift.tone" viewBox="0 0 84 22" width="84" height="22"
                         role="img" :aria-label="row.trend.text">
                      <title>{{ row.trend.text }}</title>
                      <path v-if="row.trend.initial !== null" class="m-base" :d="'M3 ' + row.trend.initial + 'H81'" />
                      <polyline :points="row.trend.points" />
                      <circle :cx="row.trend.end[0]" :cy="row.trend.end[1]" r="2.2" class="m-filled" />
                    </svg>
                    <span v-else class="m-none">–</span>
                  </td>
                  <td v-else-if="column.key === 'deployments'" :class="classes(column, at)" :style="stuck(at)" data-testid="deployments">
                    <span v-for="each in row.deployments" :key="each.text" class="m-tag m-plain-tag"
                          :title="(each.stage ? each.stage + ', ' : '') + 'since ' + date(each.at)">{{ each.text }}<template
                          v-if="each.stage"> · {{ each.stage }}</template></span>
                    <span v-if="!row.deployments.length" class="m-none">–</span>
                  </td>
                  <td v-else-if="column.kind === 'time'" :class="classes(column, at)" :style="stuck(at)" :data-testid="testids[column.key] || column.key">
                    <time v-if="row[column.key]" :datetime="iso(row[column.key])" :title="date(row[column.key])">{{
                      ago(row[column.key]) }}</time>
                    <span v-else>–</span>
                  </td>
                  <td v-else :class="[...classes(column, at), flash[row.key + column.key], { 'm-none': row[column.key] === '–' }]"
                      :style="stuck(at)" :title="column.key === 'value' && row.interval || null" :data-testid="testids[column.key] || column.key">{{ row[column.key] }}</td>
                </template>
              </tr>
            </template>
          </tbody>
        </table>
        <div v-if="empty === 'new'" class="m-empty" data-testid="empty">
          <svg viewBox="0 0 24 24" width="40" height="40" aria-hidden="true">
            <circle cx="12" cy="4.5" r="2.5" /><path d="M12 7v14M7 11h10M3.5 14c.6 4.2 4 7 8.5 7s7.9-2.8 8.5-7" />
          </svg>
          <h2>No model version yet</h2>
          <p>The registry fills itself from what pipelines report. Report the first build from Python:</p>
          <pre tabindex="0">{{ example }}</pre>
          <p class="m-muted">It appears here as soon as it is sent; there is no need to reload.</p>
        </div>
        <div v-else-if="empty === 'early'" class="m-empty" data-testid="empty">
          <h2>Reading the topics</h2>
          <p>Nothing to show so far: the web view is still catching up with Kafka. Versions appear as they are read.</p>
        </div>
        <div v-else-if="empty === 'filtered'" class="m-empty" data-testid="empty">
          <h2>No version matches</h2>
          <p>None of the versions passes all filters. Take one away above, or all of them:</p>
          <button type="button" class="m-button" data-testid="clear-filters" @click="$emit('clear')">Clear filters</button>
        </div>
        <div v-else-if="more || most" class="m-foot">
          <span>The first {{ shown }} of {{ total }}<template v-if="most">. Filter, or export all of them as CSV.</template></span>
          <button v-if="more" type="button" class="m-button" data-testid="more" @click="$emit('more')">Show more</button>
        </div>
      </div>
    </section>`,
  props: {
    entries: { default: () => [] }, turn: Number, columns: { default: () => [] }, orders: { default: () => [] }, sort: String, worst: Object,
    grouped: Boolean, pinned: { default: 1 }, link: { default: "" }, list: String, exported: String, selected: String,
    total: String, shown: String, more: Boolean, most: Boolean, empty: String, example: String, busy: Boolean, late: Boolean, own: Boolean,
  },
  emits: ["open", "sort", "sort_by", "group", "more", "clear"],
  data() {
    return {
      rows: this.entries, flash: {}, now: Date.now(), arrows: { ascending: " ↑", descending: " ↓" }, lefts: [], announced: "", scrolled: false,
      testids: { data_drift: "data-drift", evaluated_at: "evaluated" },
    };
  },
  mounted() {
    this.clock = setInterval(() => (this.now = Date.now()), 5000);
    document.querySelector(".m-selected")?.scrollIntoView({ block: "nearest" });
    // Where each pinned column stands follows from how wide those before it are.
    this.measure = new ResizeObserver(() => this.measured());
    this.measured();
  },
  unmounted() {
    clearInterval(this.clock);
    this.measure.disconnect();
  },
  // A row that is moved takes the keyboard's focus along, and what comes and goes above does not move what is read.
  beforeUpdate() {
    const list = this.$refs.list;
    this.held = list.contains(document.activeElement) ? document.activeElement : null;
    this.seen = list.scrollTop > 8 ? this.inSight().map((row) => [row, row.getBoundingClientRect().top]) : [];
  },
  updated() {
    const { held, $refs: { list } } = this;
    const moved = this.seen.filter(([row]) => row.isConnected).map(([row, top]) => row.getBoundingClientRect().top - top);
    // Most rows move alike; one that has another place now moves by itself.
    if (moved.length) list.scrollTop += moved.sort((one, other) => one - other)[moved.length >> 1];
    if (held && document.activeElement === document.body) (held.isConnected ? held : list).focus({ preventScroll: true });
  },
  watch: {
    entries(entries) {
      this.at = this.turn;
      const before = new Map(this.rows.map((row) => [row.id, row]));
      for (const row of entries) this.mark(before.get(row.id), row);
      this.rows = entries;
      this.now = Date.now();
    },
    // Other filters or another order: that is another list, read from its beginning.
    list() {
      this.$refs.list.scrollTop = 0;
      this.announced = this.total;
    },
    columns: "watchWidths",
    pinned: "watchWidths",
  },
  methods: {
    // Rows that changed where they stand: [place, row] each.
    patch(turn, changed) {
      if (turn < this.at) return;
      this.at = turn;
      for (const [place, row] of changed) {
        this.mark(this.rows[place], row);
        this.rows[place] = row;
      }
      this.now = Date.now();
    },
    mark(old, row) {
      if (!old || row.kind !== "version" || old.focus !== row.focus) return;
      for (const [name, same] of [["value", old.value === row.value], ["drift", old.drift.text === row.drift.text]]) {
        if (same) continue;
        const key = row.key + name;
        this.flash[key] = "m-flash";
        setTimeout(() => delete this.flash[key], 2500);
      }
    },
    watchWidths() {
      this.$nextTick(this.measured);
    },
    measured() {
      const cells = [...this.$refs.table.querySelectorAll("thead th")].slice(0, this.pinned);
      this.measure.disconnect();
      for (const cell of cells) this.measure.observe(cell);
      let left = 0;
      const lefts = cells.map((cell) => (left += cell.offsetWidth) - cell.offsetWidth);
      if (String(lefts) !== String(this.lefts)) this.lefts = lefts;
    },
    classes(column, at) {
      return ["m-col-" + column.key, "m-" + column.kind, at < this.pinned ? "m-pinned" : "", at === this.pinned - 1 ? "m-last-pinned" : ""];
    },
    stuck(at) {
      return at < this.pinned ? { left: (this.lefts[at] || 0) + "px" } : null;
    },
    inSight() {
      const { top, bottom } = this.$refs.list.getBoundingClientRect();
      return [...this.$refs.table.querySelectorAll(".m-version")].filter((row) => {
        const box = row.getBoundingClientRect();
        return box.bottom > top && box.top < bottom;
      });
    },
    clicked(event, row) {
      if (!String(getSelection())) this.$emit("open", row.key);
    },
    step(event, by) {
      const links = [...this.$refs.table.querySelectorAll(".m-version a")];
      const next = links[links.indexOf(event.target) + by];
      if (!links.includes(event.target) || !next) return;
      event.preventDefault();
      next.focus();
    },
    href(row) {
      return "/" + (this.link ? this.link + "&" : "?") + "version=" + encodeURIComponent(row.key);
    },
    ago(at) {
      return mooring.ago(at, this.now);
    },
    date: (at) => mooring.date(at),
    iso: (at) => new Date(at).toISOString(),
  },
};

// The table of versions: grouped by project and model, or flat when it is sorted by something else.
export default {
  template: `
    <div class="m-list">
      <table v-show="!empty" class="m-table" :aria-label="'Model versions, ' + total" :aria-busy="busy" data-testid="registry">
        <thead>
          <tr>
            <th v-for="column in columns" :key="column.key" scope="col" :class="'m-col-' + column.key"
                :aria-sort="column.sortable ? column.order || 'none' : null">
              <button v-if="column.sortable" type="button" :title="column.title" :data-testid="'sort-' + column.key"
                      @click="$emit('sort', column.key)">
                {{ column.label }}<i aria-hidden="true">{{ arrows[column.order] || '' }}</i>
              </button>
              <template v-else>{{ column.label }}</template>
            </th>
          </tr>
        </thead>
        <tbody>
          <template v-for="row in rows" :key="row.id">
            <tr v-if="row.kind === 'project'" class="m-project" data-testid="project-row">
              <th scope="rowgroup" :colspan="columns.length">
                <span>{{ row.name }}</span><small>{{ row.node }}</small>
              </th>
            </tr>
            <tr v-else-if="row.kind === 'model'" class="m-model" data-testid="model-row">
              <th scope="rowgroup" :colspan="columns.length">
                <span>{{ row.name }}</span><small>{{ row.note }}</small>
              </th>
            </tr>
            <tr v-else class="m-version" :class="{ 'm-selected': row.key === selected, 'm-archived': row.archived }"
                :aria-current="row.key === selected" data-testid="version-row" :data-version-key="row.key"
                @click="clicked($event, row)">
              <td class="m-col-name" :class="{ 'm-flat': row.path }">
                <a :href="row.href" @click.exact.prevent.stop="$emit('open', row.key)">{{ row.name }}</a>
                <span v-if="row.active" class="m-tag" data-testid="active">Active</span>
                <span v-if="row.archived" class="m-tag m-faint">Archived</span>
                <small>{{ row.note }}</small>
                <div v-if="row.path" class="m-path">{{ row.path }}</div>
              </td>
              <td class="m-col-status">
                <span class="m-pill" :class="'m-' + row.tone" data-testid="status">{{ row.status }}</span>
              </td>
              <td class="m-col-value" :class="[flash[row.key + 'value'], { 'm-none': row.value === '–' }]" data-testid="value">{{ row.value }}</td>
              <td class="m-col-initial" data-testid="initial">{{ row.initial }}</td>
              <td class="m-col-drift" :class="[flash[row.key + 'drift'], 'm-' + row.drift.tone]" data-testid="drift"
                  :aria-label="row.drift.text + ' ' + row.drift.word" :title="row.drift.title">
                <span>{{ row.drift.arrow }}</span> {{ row.drift.text }} <em>{{ row.drift.word }}</em>
              </td>
              <td class="m-col-data_drift" data-testid="data-drift">{{ row.data_drift }}</td>
              <td class="m-col-evaluated_at" data-testid="evaluated">
                <time v-if="row.evaluated_at" :datetime="iso(row.evaluated_at)" :title="date(row.evaluated_at)">{{
                  ago(row.evaluated_at) }}</time>
                <span v-else>–</span>
              </td>
              <td class="m-col-node">{{ row.node }}</td>
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
        <pre>{{ example }}</pre>
        <p class="m-muted">It appears here as soon as it is sent; there is no need to reload.</p>
      </div>
      <div v-else-if="empty === 'filtered'" class="m-empty" data-testid="empty">
        <h2>No version matches</h2>
        <p>None of the versions passes all filters.</p>
        <button type="button" class="m-button" data-testid="clear-filters" @click="$emit('clear')">Clear filters</button>
      </div>
      <div v-else class="m-foot">
        <span data-testid="count">{{ total }}</span>
        <button v-if="more" type="button" class="m-button" data-testid="more" @click="$emit('more')">Show more</button>
      </div>
    </div>`,
  props: {
    entries: Array, columns: Array, selected: String, total: String, more: Boolean, empty: String, example: String,
    busy: Boolean,
  },
  emits: ["open", "sort", "more", "clear"],
  data() {
    return { rows: this.entries, flash: {}, now: Date.now(), arrows: { ascending: " ↑", descending: " ↓" } };
  },
  mounted() {
    this.clock = setInterval(() => (this.now = Date.now()), 5000);
    document.querySelector(".m-selected")?.scrollIntoView({ block: "nearest" });
  },
  unmounted() {
    clearInterval(this.clock);
  },
  watch: {
    entries(entries) {
      const before = new Map(this.rows.map((row) => [row.id, row]));
      for (const row of entries) this.mark(before.get(row.id), row);
      this.rows = entries;
      this.now = Date.now();
    },
  },
  methods: {
    // Rows that changed where they stand: [place, row] each.
    patch(changed) {
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
    clicked(event, row) {
      if (!String(getSelection())) this.$emit("open", row.key);
    },
    ago(at) {
      return mooring.ago(at, this.now);
    },
    date: (at) => mooring.date(at),
    iso: (at) => new Date(at).toISOString(),
  },
};

// Versions side by side: a column each, a row each metric.
export default {
  template: `
    <div class="m-compare">
      <div class="m-compare-bar">
        <h2>Compare versions</h2>
        <slot v-if="!most"></slot>
        <span v-else class="m-muted">No more can be compared at once.</span>
        <span class="m-grow"></span>
        <button type="button" class="m-button" data-testid="copy-address" @click="copy">{{ copied ? 'Copied' : 'Copy link' }}</button>
      </div>
      <div v-if="!columns.length" class="m-empty" data-testid="empty">
        <h2>Nothing to compare yet</h2>
        <p>Add two versions or more, or choose “Compare with…” in the details of a version.</p>
        <a class="m-button" href="/">To the registry</a>
      </div>
      <div v-else class="m-compared">
        <section v-if="rows.length" class="m-compare-chart" aria-label="Over time">
          <label class="m-choice m-focus"><span>Metric</span>
            <select :value="metric" data-testid="compare-metric" @change="$emit('metric', $event.target.value)">
              <option v-for="row in rows" :key="row.code" :value="row.code">{{ row.label }}</option>
            </select>
          </label>
          <slot name="chart"></slot>
        </section>
        <div class="m-scroll" tabindex="0" role="region" aria-label="Comparison">
          <table class="m-table" data-testid="comparison" aria-label="Metrics of the versions">
            <thead>
              <tr>
                <th scope="col" class="m-stay"><span class="m-hidden">Metric</span></th>
                <th v-for="(each, n) in columns" :key="each.key" scope="colgroup" :colspan="each.known ? 3 : 1" class="m-group"
                    data-testid="compared-version" :data-version-key="each.key">
                  <div class="m-who">
                    <i :style="{ background: colour(each) }" aria-hidden="true"></i>
                    <span v-if="each.known"><a :href="each.href">{{ each.name }}</a>
                      <span v-if="each.active" class="m-tag">Active</span>
                      <span v-if="each.archived" class="m-tag m-faint">Archived</span></span>
                    <span v-else class="m-muted">Not known</span>
                    <button type="button" class="m-button m-icon" :aria-label="'Remove ' + (each.name || each.key)" title="Remove"
                            data-testid="remove-version" @click="$emit('remove', each.key)">
                      <svg viewBox="0 0 24 24" width="15" height="15" aria-hidden="true"><path d="m6 6 12 12M18 6 6 18" /></svg>
                    </button>
                  </div>
                  <small>{{ each.path || each.key }}</small>
                </th>
              </tr>
              <tr v-if="rows.length" class="m-sub">
                <th class="m-stay" scope="col">Metric</th>
                <template v-for="each in columns" :key="each.key">
                  <template v-if="each.known">
                    <th scope="col" class="m-number m-group">Initial</th><th scope="col" class="m-number">Current</th>
                    <th scope="col" class="m-number m-moved">Drift</th></template>
                  <td v-else class="m-group"></td>
                </template>
              </tr>
            </thead>
            <tbody>
              <tr v-for="row in rows" :key="row.code" data-testid="compared-metric" :data-metric="row.code" :class="{ 'm-selected': row.code === metric }">
                <th scope="row" class="m-stay"><button type="button" class="m-link" :title="row.hint + '. Draw it'" :aria-pressed="row.code === metric"
                  @click="$emit('metric', row.code)">{{ row.label }}</button></th>
                <template v-for="each in columns" :key="each.key">
                  <template v-if="each.known">
                    <td class="m-number m-group m-muted" :class="{ 'm-best': row.cells[each.key].best_initial }">
                      <i v-if="row.cells[each.key].best_initial" title="Best">★<span class="m-hidden">best</span></i> {{ row.cells[each.key].initial }}</td>
                    <td class="m-number" :class="{ 'm-best': row.cells[each.key].best }" data-testid="compared-value" :data-best="row.cells[each.key].best">
                      <i v-if="row.cells[each.key].best" title="Best">★<span class="m-hidden">best</span></i> <b>{{ row.cells[each.key].value }}</b></td>
                    <td class="m-number m-moved" :class="'m-' + row.cells[each.key].drift.tone">
                      <span class="m-arrow">{{ row.cells[each.key].drift.arrow }}</span> {{ row.cells[each.key].drift.text }} <em>{{ row.cells[each.key].drift.word }}</em></td>
                  </template>
                  <td v-else class="m-group m-muted">–</td>
                </template>
              </tr>
              <tr v-for="fact in facts" :key="fact.label" class="m-fact">
                <th scope="row" class="m-stay">{{ fact.label }}</th>
                <td v-for="each in columns" :key="each.key" :colspan="each.known ? 3 : 1" class="m-group">
                  <template v-if="!each.known">–</template>
                  <span v-else-if="fact.name === 'status'" class="m-pill" :class="'m-' + each.tone">{{ each.status }}</span>
                  <time v-else-if="fact.at && each[fact.name]" :datetime="new Date(each[fact.name]).toISOString()">{{ date(each[fact.name]) }}</time>
                  <template v-else>{{ each[fact.name] || '–' }}</template>
                </td>
              </tr>
            </tbody>
          </table>
        </div>
        <p v-if="unknown.length" class="m-note" data-testid="not-known">
          {{ unknown.length === 1 ? 'A version of the address has' : unknown.length + ' versions of the address have' }} not been reported:
          {{ unknown.join(', ') }}. As soon as that happens, it appears here.</p>
      </div>
    </div>`,
  props: { columns: { default: () => [] }, rows: { default: () => [] }, metric: String, most: Boolean },
  emits: ["remove", "metric"],
  data: () => ({
    copied: false,
    facts: [
      { label: "Status", name: "status" }, { label: "Algorithm", name: "algorithm" }, { label: "Prediction", name: "prediction" },
      { label: "Built", name: "built_at", at: true }, { label: "Evaluated", name: "evaluated_at", at: true },
      { label: "Deployed", name: "deployed" },
    ],
  }),
  computed: {
    unknown() {
      return this.columns.filter((each) => !each.known).map((each) => each.key);
    },
  },
  methods: {
    // As the lines of the chart, which has none of what is not known.
    colour(column) {
      const place = this.columns.filter((each) => each.known).indexOf(column);
      return place < 0 ? "var(--line)" : `var(--c${place % 8})`;
    },
    async copy() {
      try {
        await navigator.clipboard.writeText(location.href);
      } catch {
        return;
      }
      this.copied = true;
      setTimeout(() => (this.copied = false), 2000);
    },
    date: (at) => mooring.date(at),
  },
};

// One version in full, beside the list.
export default {
  template: `
    <aside class="m-details" :aria-label="'Details of ' + version.name" data-testid="details-panel"
           :data-version-key="version.key" @keydown.esc="$emit('close')">
      <header>
        <div>
          <p class="m-path">{{ version.path }}</p>
          <h2>{{ version.name }}
            <span v-if="version.active" class="m-tag">Active</span>
            <span v-if="version.archived" class="m-tag m-faint">Archived</span>
            <span class="m-pill" :class="'m-' + version.tone">{{ version.status }}</span>
          </h2>
        </div>
        <button type="button" class="m-button m-icon" aria-label="Close details" title="Close" data-testid="close-details"
                @click="$emit('close')">
          <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true"><path d="m6 6 12 12M18 6 6 18" /></svg>
        </button>
      </header>
      <div class="m-tabs" role="tablist" aria-label="Details" @keydown.left="step(-1)" @keydown.right="step(1)">
        <button v-for="each in tabs" :key="each.name" type="button" role="tab" :id="'tab-' + each.name" ref="tabs"
                :aria-selected="tab === each.name" :tabindex="tab === each.name ? 0 : -1" aria-controls="tab-panel"
                :data-testid="each.testid" @click="$emit('tab', each.name)">
          {{ each.label }}<small v-if="each.count">{{ each.count }}</small>
        </button>
      </div>
      <div id="tab-panel" class="m-panel" role="tabpanel" tabindex="0" :aria-labelledby="'tab-' + tab">
        <template v-if="tab === 'overview'">
          <dl class="m-figures" data-testid="figures">
            <div><dt>{{ version.focus_label }}</dt><dd>{{ version.value }}</dd></div>
            <div><dt>Initial</dt><dd>{{ version.initial }}</dd></div>
            <div><dt>Drift</dt>
              <dd :class="'m-' + version.drift.tone"><span>{{ version.drift.arrow }}</span> {{ version.drift.text }}
                <em>{{ version.drift.word }}</em></dd></div>
            <div><dt>Data drift</dt><dd>{{ version.data_drift }}</dd></div>
          </dl>
          <dl class="m-facts">
            <template v-for="fact in version.facts" :key="fact.label">
              <dt>{{ fact.label }}</dt>
              <dd>
                <time v-if="fact.at" :title="date(fact.at)">{{ date(fact.at) }} · {{ ago(fact.at) }}</time>
                <a v-else-if="fact.href" :href="fact.href" target="_blank" rel="noopener noreferrer">{{ fact.text }}</a>
                <template v-else>{{ fact.text }}</template>
              </dd>
            </template>
          </dl>
          <template v-if="version.labels.length">
            <h3>Labels</h3>
            <ul class="m-labels"><li v-for="label in version.labels" :key="label">{{ label }}</li></ul>
          </template>
        </template>
        <template v-else-if="tab === 'metrics'">
          <table v-if="version.metrics.length" class="m-table m-metrics" aria-label="Model metrics">
            <thead><tr><th scope="col">Metric</th><th scope="col">Initial</th><th scope="col">Current</th>
              <th scope="col">Drift</th><th scope="col">Evaluated</th></tr></thead>
            <tbody>
              <tr v-for="metric in version.metrics" :key="metric.code" data-testid="metric-row"
                  :data-metric="metric.code" :class="{ 'm-selected': metric.code === version.focus }">
                <th scope="row" :title="metric.hint">{{ metric.label }}<small v-if="metric.custom">custom</small></th>
                <td data-testid="metric-initial" :title="metric.deviation">{{ metric.initial }}</td>
                <td data-testid="metric-value">{{ metric.value }}</td>
                <td class="m-col-drift" :class="'m-' + metric.drift.tone" data-testid="metric-drift"
                    :aria-label="metric.drift.text + ' ' + metric.drift.word">
                  <span>{{ metric.drift.arrow }}</span> {{ metric.drift.text }} <em>{{ metric.drift.word }}</em></td>
                <td class="m-when">
                  <time v-if="metric.at" :title="date(metric.at)">{{ ago(metric.at) }}</time>
                  <small v-if="metric.at">{{ metric.store }}</small>
                  <span v-else>–</span>
                </td>
              </tr>
            </tbody>
          </table>
          <p v-else class="m-muted">No metric is known of this version yet.</p>
        </template>
        <template v-else>
          <p v-if="!version.alerts.length" class="m-muted">No drift alert has been raised for this version.</p>
          <ol class="m-timeline">
            <li v-for="alert in version.alerts" :key="alert.id" data-testid="version-alert" :data-alert-id="alert.id">
              <span class="m-pill" :class="'m-' + alert.tone">{{ alert.severity }}</span>
              <div><p>{{ alert.reason }}</p>
                <small><time :title="date(alert.at)">{{ ago(alert.at) }}</time> · {{ alert.where }}</small></div>
            </li>
          </ol>
        </template>
      </div>
    </aside>`,
  props: { version: Object, tab: String, tabs: Array },
  emits: ["close", "tab"],
  data: () => ({ now: Date.now() }),
  mounted() {
    this.clock = setInterval(() => (this.now = Date.now()), 5000);
  },
  unmounted() {
    clearInterval(this.clock);
  },
  methods: {
    step(by) {
      const place = this.tabs.findIndex((each) => each.name === this.tab) + by;
      const next = (place + this.tabs.length) % this.tabs.length;
      this.$emit("tab", this.tabs[next].name);
      this.$refs.tabs[next].focus();
    },
    ago(at) {
      return mooring.ago(at, this.now);
    },
    date: (at) => mooring.date(at),
  },
};
